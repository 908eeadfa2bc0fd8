"""The calls about emails."""

import logging
import re
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from app.api import times
from app.api.auth import Parts, Reader, Sender, check_email, is_operator, project_of, short_id
from app.api.body import JsonBody
from app.api.openapi import LOCATION, answer, body_errors, errors, json_request, refusals
from app.api.threads import Route
from app.api.v1 import examples, queries, stories, views
from app.api.v1.idempotency import IdempotencyKey
from app.api.v1.schemas import EmailRequest
from app.api.v1.validation import read_email
from app.delivery.accept import new_id
from app.domain.eligibility import check_named
from app.domain.email import Email
from app.domain.head import EmailStatus
from app.domain.listing import FOR_EVER_MS, Wanted
from app.domain.route import Candidate
from app.errors import Conflict, Invalid, NotFound
from app.store.api_keys import ApiKey
from app.wiring.parts import Container

logger = logging.getLogger(__name__)
router = APIRouter(route_class=Route, tags=["emails"])

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UNKNOWN = NotFound("no such email")
_FAULTS = Invalid(("to[0]", "is not an email address: it must have an @-sign."), ("subject", "is required"))
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

EmailId = Annotated[str, Path(description="the `id` that the answer of a send has", examples=[examples.ID])]
# Another example, because the other email was delivered long ago.
OpenEmailId = Annotated[
    str, Path(description="the `id` that the answer of a send has", examples=[examples.CANCELED_ID])
]


class Filter(queries.Query):
    """Which emails to list."""

    recipient: Annotated[
        queries.Key | None, queries.OrNone, Field(description="only emails with this address in to, cc or bcc")
    ] = None
    tag: Annotated[
        Annotated[str, StringConstraints(max_length=700)] | None,
        queries.OrNone,
        Field(description="only emails with this tag: `name`, or `name=value` for one that was given with a value"),
    ] = None
    status: Annotated[
        EmailStatus | None,
        queries.OrNone,
        queries.MAY_BE_EMPTY,
        Field(description="only emails that are in this status now"),
    ] = None
    first: Annotated[
        queries.Time | None,
        queries.OrNone,
        queries.MAY_BE_EMPTY,
        Field(alias="from", description="only emails that were accepted then or later"),
    ] = None
    to: Annotated[
        queries.Time | None,
        queries.OrNone,
        queries.MAY_BE_EMPTY,
        Field(description="only emails that were accepted before that"),
    ] = None
    project: Annotated[
        queries.Project | None, queries.OrNone, Field(description="only emails of this project; for `admin`")
    ] = None
    after: queries.Cursor = None
    limit: queries.Limit = 20


@router.post(
    "/v1/emails",
    status_code=202,
    response_model=views.AcceptedEmail,
    responses=answer(examples.ACCEPTED, 202, description="Stored and queued", headers=LOCATION, links=_TO_THE_STORY)
    | answer(
        examples.REPLAYED,
        description="The email that an earlier request with this Idempotency-Key stored, as it is now",
        model=views.AcceptedEmail,
        headers=LOCATION | {"Idempotent-Replayed": {"schema": {"type": "string", "enum": ["true"]}}},
        links=_TO_THE_STORY,
    )
    | refusals("send")
    | body_errors(_FAULTS)
    | errors(Conflict("this Idempotency-Key was used for another request; use a new key for a new email")),
    openapi_extra=json_request(EmailRequest, **_REQUESTS),
)
def send_email(request: Request, key: Sender, body: JsonBody, parts: Parts, once: IdempotencyKey = None) -> Response:
    """Accept an email. When this call answers, the email is stored and queued, and is delivered afterwards."""
    email = _read(body, key, parts)
    accepted = parts.accept(email, project=key.project, key=once)
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
    openapi_extra=json_request(EmailRequest, **_REQUESTS),
)
def explain_email(key: Sender, body: JsonBody, parts: Parts) -> views.Explanation:
    """Show the route that an email would take now, for each provider why, and who is suppressed.

    Stores and sends nothing.
    """
    email = _read(body, key, parts)
    check_named(email, parts.settings.providers)
    if email.expires_at_ms is not None and email.expires_at_ms <= parts.clock() * 1000:
        raise Invalid(("expires_at", "must be in the future"))
    explained = parts.explain(email, new_id(), key.project)
    return views.Explanation(
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
    )


def _why(candidate: Candidate, key: ApiKey) -> str:
    return f"{candidate.why}: {candidate.words}" if candidate.words and is_operator(key) else candidate.why


@router.get(
    "/v1/emails",
    dependencies=[queries.checked(Filter)],
    responses=answer(examples.PAGE) | refusals("read") | errors(Invalid(("limit", "must be at most 100"))),
)
def list_emails(chosen: Annotated[Filter, Query()], key: Reader, parts: Parts) -> views.EmailList:
    """List the emails of the key's project, newest first; with the scope `admin`, those of all projects.

    A page may hold fewer than `limit` emails although a next page exists.
    """
    page = parts.read.page(_wanted(chosen, key), chosen.after, chosen.limit)
    return views.EmailList(emails=[stories.summarize(head) for head in page.heads], after=page.after)


@router.get(
    "/v1/emails/{email_id}",
    responses=answer(examples.STORY) | refusals("read") | errors(_UNKNOWN),
)
def get_email(email_id: EmailId, key: Reader, parts: Parts) -> views.EmailStory:
    """Read one email's whole story: its recipients, every attempt, and what the providers reported later."""
    story = parts.read.story(_known(email_id), key.sees)
    return stories.write_story(story.head, story.events)


@router.post(
    "/v1/emails/{email_id}/cancel",
    responses=answer(examples.CANCELED)
    | refusals("send")
    | errors(_UNKNOWN, Conflict("too late: every recipient's email was already handed to a provider")),
)
def cancel_email(email_id: OpenEmailId, key: Sender, parts: Parts) -> views.EmailSummary:
    """Cancel every recipient that is still queued. Canceling again changes nothing.

    After a 200 no new call to a provider begins for this email. A copy that a provider has taken before is told as it
    is; if it fails, its recipient is canceled, too.
    """
    return stories.summarize(parts.cancel(_known(email_id), key.sees))


def _read(body: bytes, key: ApiKey, parts: Container) -> Email:
    email = read_email(body, now_ms=int(parts.clock() * 1000))
    check_email(key, email)
    return email


def _wanted(chosen: Filter, key: ApiKey) -> Wanted:
    from_ms = 0 if chosen.first is None else min(max(chosen.first, 0), FOR_EVER_MS)
    to_ms = FOR_EVER_MS if chosen.to is None else min(max(chosen.to, 0), FOR_EVER_MS)
    if to_ms <= from_ms:
        raise Invalid(("to", "must be later than from"))
    return Wanted(
        project_of(key, chosen.project), chosen.recipient or "", chosen.tag or "", chosen.status, from_ms, to_ms
    )


def _known(email_id: str) -> str:
    """`email_id`, if it has the form of an id. Raises NotFound otherwise, because DynamoDB might refuse such a key."""
    if _ID.fullmatch(email_id) is None:
        raise NotFound("no such email")
    return email_id
