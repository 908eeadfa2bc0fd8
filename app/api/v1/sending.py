"""The calls that send an email, or show how it would be sent."""

import logging

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.api import times
from app.api.auth import Parts, Sender, check_email, is_operator, short_id
from app.api.body import JsonBody
from app.api.openapi import LOCATION, answer, body_errors, errors, json_request, refusals
from app.api.rates import HEADERS, SenderOfOne
from app.api.threads import Route
from app.api.v1 import examples, stories, views
from app.api.v1.idempotency import IdempotencyKey
from app.api.v1.lanes import lane_of
from app.api.v1.schemas import EmailRequest
from app.api.v1.validation import read_email
from app.api.v1.webhook_urls import WebhookUrls
from app.delivery.accept import check_expiry
from app.delivery.new_head import new_head, new_id
from app.domain.eligibility import check_named
from app.domain.email import Email
from app.domain.route import Candidate
from app.errors import Conflict, Invalid, RateLimited
from app.store.api_keys import ApiKey
from app.wiring.parts import Container

logger = logging.getLogger(__name__)
router = APIRouter(route_class=Route, tags=["emails"])

_FAULTS = Invalid(("to[0]", "is not an email address: it must have an @-sign."), ("subject", "is required"))
TOO_MANY = RateLimited("this API key may send 10 emails a second", 1)
_TO_THE_STORY = {
    "story": {
        "description": "what becomes of this email",
        "operationId": "getEmail",
        "parameters": {"email_id": "$response.body#/id"},
    }
}
_REQUESTS = {
    "short": ("the least", examples.SHORT),
    "full": ("most of what there is", examples.FULL),
    "other_forms": ("the same things in the forms of other APIs", examples.OTHER_FORMS),
}


@router.post(
    "/v1/emails",
    status_code=202,
    response_model=views.AcceptedEmail,
    responses=answer(
        examples.ACCEPTED, 202, description="Stored and queued", headers=LOCATION | HEADERS, links=_TO_THE_STORY
    )
    | answer(
        examples.REPLAYED,
        description="The email that an earlier request with this Idempotency-Key stored, as it is now",
        model=views.AcceptedEmail,
        headers=LOCATION | {"Idempotent-Replayed": {"schema": {"type": "string", "enum": ["true"]}}},
        links=_TO_THE_STORY,
    )
    | refusals("send")
    | body_errors(_FAULTS)
    | errors(Conflict("this Idempotency-Key was used for another request; use a new key for a new email"))
    | errors(TOO_MANY),
    openapi_extra=json_request(EmailRequest, _REQUESTS),
)
def send_email(
    request: Request, key: SenderOfOne, body: JsonBody, parts: Parts, once: IdempotencyKey = None
) -> Response:
    """Accept an email. When this call answers, the email is stored and queued, and is delivered afterwards."""
    email = _read(body, key, parts)
    accepted = parts.accept(email, project=key.project, key=once, sender=key.id, lane=lane_of(key, email))
    head, headers = accepted.head, {"Location": f"{request.scope['root_path']}/v1/emails/{accepted.head.email_id}"}
    if accepted.replayed:
        headers["Idempotent-Replayed"] = "true"
    elif head.override_suppression:
        logger.warning("suppression overridden", extra={"email_id": head.email_id, "key_id": short_id(key)})
    content = stories.summarize_accepted(head, parts.settings.providers).model_dump_json(by_alias=True)
    return Response(content, 200 if accepted.replayed else 202, headers, "application/json")


@router.post(
    "/v1/emails/explain",
    responses=answer(examples.EXPLANATION) | refusals("send") | body_errors(_FAULTS),
    openapi_extra=json_request(EmailRequest, _REQUESTS),
)
def explain_email(key: Sender, body: JsonBody, parts: Parts) -> views.Explanation:
    """Show the route that an email would take now, for each provider why, and who is suppressed.

    Stores and sends nothing.
    """
    email = _read(body, key, parts)
    check_named(email, parts.settings.providers, key.project)
    now_ms = int(parts.clock() * 1000)
    check_expiry(new_head(email, key.project, now_ms, "", retry_for_s=parts.settings.retry_for_s, shards=1))
    lane = lane_of(key, email)
    explained = parts.explain(email, new_id(), key.project)
    return views.Explanation(
        lane=lane,
        route=[
            views.RouteCandidate(
                provider=candidate.provider,
                state=candidate.availability,
                why=_why(candidate, key),
                until=times.write_optional(candidate.until_ms),
                notes=list(candidate.notes),
            )
            for candidate in explained.route
        ],
        suppressed=stories.list_suppressed(explained.suppressed, (*email.to, *email.cc, *email.bcc)),
        send_at=times.write_optional(email.send_at_ms if (email.send_at_ms or 0) > now_ms else None),
    )


def _why(candidate: Candidate, key: ApiKey) -> str:
    return f"{candidate.why}: {candidate.words}" if candidate.words and is_operator(key) else candidate.why


def _read(body: bytes, key: ApiKey, parts: Container) -> Email:
    email = read_email(body, now_ms=int(parts.clock() * 1000), urls=WebhookUrls.of(parts))
    check_email(key, email)
    return email
