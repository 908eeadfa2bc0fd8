"""Every route of version 1, in the order of the OpenAPI document."""

from app.api.v1 import batch, emails, providers, sending, suppressions, webhooks
from app.api.v1.later_schemas import RetryRequest, ScheduleRequest
from app.api.v1.schemas import BatchEmailRequest, EmailRequest, SuppressionRequest

ROUTERS = (sending.router, batch.router, emails.router, providers.router, suppressions.router, webhooks.router)
# FastAPI does not see these bodies, because the routes read them by themselves.
REQUESTS = (EmailRequest, BatchEmailRequest, RetryRequest, ScheduleRequest, SuppressionRequest)
# The schema names of the domain's enumerations: `Status` alone says nothing in a client's package.
NAMES = {
    "Availability": "ProviderAvailability",
    "Cause": "FailureCause",
    "Reason": "SuppressionReason",
    "Role": "RecipientRole",
    "Status": "RecipientStatus",
}
