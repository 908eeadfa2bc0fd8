"""The RESEND_* variables."""

from typing import Final

from app.providers.sdk import signatures
from app.providers.sdk.variables import API, WORKER, Declaration, Form, Need, Variable

DECLARATION: Final = Declaration(
    "Resend",
    (
        Variable("API_KEY", "An API key that may send mail.", Need.SENDING, is_secret=True, read_by=WORKER),
        Variable(
            "WEBHOOK_SECRET",
            "The signing secret of Resend's webhook, whsec_…; several, separated by commas, while you rotate.",
            Need.WEBHOOKS,
            verifies=True,
            read_by=API,
            is_secret=True,
            form=Form("a signing secret, which is whsec_ and base64", signatures.svix_key),
        ),
        Variable("BASE_URL", "The API's address.", default="https://api.resend.com", read_by=WORKER),
    ),
)
