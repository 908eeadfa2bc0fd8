"""The SENDGRID_* variables."""

from typing import Final

from app.providers.sdk import signatures
from app.providers.sdk.variables import API, WORKER, Declaration, Form, Need, Variable

DECLARATION: Final = Declaration(
    "SendGrid",
    (
        Variable("API_KEY", "An API key that may send mail.", Need.SENDING, is_secret=True, read_by=WORKER),
        Variable(
            "WEBHOOK_PUBLIC_KEY",
            "The public key of SendGrid's signed event webhook; several, separated by commas, while you rotate.",
            Need.WEBHOOKS,
            verifies=True,
            read_by=API,
            form=Form("a public key, which is base64 without line breaks or PEM markers", signatures.public_key),
        ),
        Variable(
            "BASE_URL",
            "The API's address; https://api.eu.sendgrid.com for an EU account.",
            default="https://api.sendgrid.com",
            read_by=WORKER,
        ),
    ),
)
