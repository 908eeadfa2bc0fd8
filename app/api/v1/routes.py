"""Every route of version 1, in the order of the OpenAPI document."""

from app.api.v1 import contents, emails, providers, sending, suppressions, webhooks
from app.api.v1.schemas import EmailRequest, SuppressionRequest

ROUTERS = (sending.router, emails.router, contents.router, providers.router, suppressions.router, webhooks.router)
# FastAPI does not see these bodies, because the routes read them by themselves.
REQUESTS = (EmailRequest, SuppressionRequest)
# The schema names of the domain's enumerations: `Status` alone says nothing in a client's package.
NAMES = {
    "Availability": "ProviderAvailability",
    "Cause": "FailureCause",
    "Reason": "SuppressionReason",
    "Role": "RecipientRole",
    "Status": "RecipientStatus",
    "Waiting": "WaitingBecause",
}
