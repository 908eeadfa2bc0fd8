"""The MAILGUN_* variables."""

from typing import Final

from app.providers.sdk.variables import API, BOTH, DOMAIN, WORKER, Declaration, Need, Variable

DECLARATION: Final = Declaration(
    "Mailgun",
    (
        Variable("API_KEY", "A sending key.", Need.SENDING, is_secret=True, read_by=WORKER),
        Variable("DOMAIN", "The domain that Mailgun sends for.", Need.SENDING, form=DOMAIN, read_by=BOTH),
        Variable(
            "WEBHOOK_SIGNING_KEY",
            "Mailgun's HTTP webhook signing key; several, separated by commas, while you rotate.",
            Need.WEBHOOKS,
            verifies=True,
            read_by=API,
            is_secret=True,
        ),
        Variable(
            "BASE_URL",
            "The API's address; https://api.eu.mailgun.net for an EU domain.",
            default="https://api.mailgun.net",
            read_by=WORKER,
        ),
    ),
)
