"""Every route of version 1, in the order of the OpenAPI document."""

from app.api.v1 import (
    batch,
    contents,
    deliveries,
    emails,
    endpoints,
    events,
    keys,
    providers,
    sending,
    stats,
    suppressions,
    webhooks,
)
from app.api.v1.endpoint_views import WebhookEndpointChangeRequest, WebhookEndpointRequest, WebhookReplayRequest
from app.api.v1.key_views import KeyRequest
from app.api.v1.later_schemas import RetryRequest, ScheduleRequest
from app.api.v1.schemas import BatchEmailRequest, EmailRequest, SuppressionRequest

ROUTERS = (
    sending.router,
    batch.router,
    emails.router,
    contents.router,
    events.router,
    endpoints.router,
    deliveries.router,
    endpoints.one,
    stats.router,
    providers.router,
    suppressions.router,
    keys.router,
    webhooks.router,
)
# FastAPI does not see these bodies, because the routes read them by themselves.
REQUESTS = (
    EmailRequest,
    BatchEmailRequest,
    RetryRequest,
    ScheduleRequest,
    SuppressionRequest,
    KeyRequest,
    WebhookEndpointRequest,
    WebhookEndpointChangeRequest,
    WebhookReplayRequest,
)
# The schema names of the domain's enumerations: `Status` alone says nothing in a client's package.
NAMES = {
    "Availability": "ProviderAvailability",
    "Cause": "FailureCause",
    "Change": "EmailChange",
    "ChangeData": "EmailChangeData",
    "ChangeList": "EmailChangeList",
    "ChangeType": "EmailChangeType",
    "CreatedKey": "CreatedApiKey",
    "Disabled": "WebhookEndpointDisabled",
    "Key": "ApiKey",
    "KeyList": "ApiKeyList",
    "KeyRequest": "ApiKeyRequest",
    "Reason": "SuppressionReason",
    "RotatedKey": "RotatedApiKey",
    "Role": "RecipientRole",
    "Status": "RecipientStatus",
    "Waiting": "WaitingBecause",
}
