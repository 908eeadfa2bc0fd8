"""The MADE_UP_* variables."""

from typing import Final

from app.providers.sdk.variables import API, WORKER, Declaration, Need, Variable

DECLARATION: Final = Declaration(
    "Made Up",
    (
        Variable("API_KEY", "An API key that may send mail.", Need.SENDING, is_secret=True, read_by=WORKER),
        Variable(
            "WEBHOOK_KEY",
            "The key that signs Made Up's webhooks; several, separated by commas, while you rotate.",
            Need.WEBHOOKS,
            verifies=True,
            is_secret=True,
            read_by=API,
        ),
        Variable("BASE_URL", "The API's address.", default="https://api.made-up.example", read_by=WORKER),
    ),
)
