"""The MADE_UP_* variables."""

from typing import Final

from app.providers.sdk.variables import Declaration, Need, Variable

DECLARATION: Final = Declaration(
    "Made Up",
    (
        Variable("API_KEY", "An API key that may send mail.", Need.SENDING, is_secret=True),
        Variable(
            "WEBHOOK_KEY",
            "The key that signs Made Up's webhooks; several, separated by commas, while you rotate.",
            Need.WEBHOOKS,
            verifies=True,
            is_secret=True,
        ),
        Variable("BASE_URL", "The API's address.", default="https://api.made-up.example"),
    ),
)
