"""The call that receives the providers' webhooks. It needs no API key: the provider's signature authenticates it."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from app.api.auth import Parts
from app.api.body import RawBody
from app.api.openapi import answer, errors
from app.api.problems import Malformed, TooLarge, UnsupportedCoding
from app.api.threads import Route
from app.api.v1.views import WebhookReceipt
from app.domain.event import Webhook
from app.errors import NotAcceptable, NotFound, ServiceUnavailable, Unauthenticated

router = APIRouter(route_class=Route, tags=["webhooks"])

# Most providers post JSON, some forms, and some label their JSON text/plain: what is declared is what all of that is.
_BODY = {
    "description": "what the provider posts, whatever its Content-Type says: the signature is of these bytes",
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
Account = Annotated[str, Path(description="the account, as PROVIDERS names it")]


@router.post(
    "/v1/webhooks/{provider}",
    responses=answer({"status": "recorded"})
    | errors(
        Malformed("the body is gzip, but its end is missing"),
        Unauthenticated("the signature does not match the body"),
        NotFound("no such provider"),
        NotAcceptable("legacy webhooks are not read; set up the current ones at the provider"),
        TooLarge("a request body may have at most 4,500,000 bytes"),
        UnsupportedCoding("Content-Encoding: send the body as it is, or as `gzip`"),
        ServiceUnavailable("the certificate cannot be fetched now"),
    ),
    openapi_extra={"requestBody": _BODY},
)
def record_webhook(provider: Account, request: Request, body: RawBody, parts: Parts) -> WebhookReceipt:
    """Record what a provider reports, after verifying its signature on the unchanged body."""
    parts.record(provider, Webhook(body, dict(request.headers)))
    return WebhookReceipt(status="recorded")
