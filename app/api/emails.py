"""The calls about emails."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from app.api import addresses, examples, stories, views
from app.api.auth import Parts, check_from, may_read, may_send
from app.api.body import JsonBody
from app.api.openapi import answer, errors, json_request
from app.api.problems import Malformed, TooLarge, UnsupportedMediaType
from app.api.schemas import EmailRequest
from app.api.threads import Route
from app.api.validation import read_email
from app.domain.head import EmailStatus
from app.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from app.store.api_keys import ApiKey

router = APIRouter(route_class=Route, tags=["emails"])

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFUSED = (
    Unauthenticated("this API key is unknown or was revoked"),
    Forbidden("this API key lacks the scope `send`"),
    Unavailable("too many writers at once; try again"),
)
_UNKNOWN = NotFound("no such email")

Sender = Annotated[ApiKey, Depends(may_send)]
EmailId = Annotated[str, Path(examples=[examples.ID])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=256,
        description="The same key with the same body names the same email: stored once, however often you ask.",
    ),
]
_OrNone = BeforeValidator(lambda text: text or None)  # `?status=` is as good as no status


def _key(text: str) -> str:
    return addresses.read(text).key


_Recipient = Annotated[str, AfterValidator(_key)]
_Cursor = Annotated[str, StringConstraints(max_length=100)]


class Filter(BaseModel):
    """Which emails to list."""

    model_config = ConfigDict(extra="forbid")

    recipient: Annotated[_Recipient | None, _OrNone, Field(description="in to, cc or bcc")] = None
    status: Annotated[EmailStatus | None, _OrNone] = None
    after: Annotated[_Cursor | None, _OrNone, Field(description="the `after` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


@router.post(
    "/v1/emails",
    status_code=202,
    response_model=views.Summary,
    responses=answer(examples.QUEUED, 202, description="Stored and queued")
    | answer(
        examples.DELIVERED,
        description="The email that this Idempotency-Key named before, as it is now",
        model=views.Summary,
        headers={"Idempotent-Replayed": {"schema": {"type": "string", "enum": ["true"]}}},
    )
    | errors(
        *_REFUSED,
        Malformed("the body is not JSON: Expecting value: line 1 column 1 (char 0)"),
        Conflict("this Idempotency-Key was used for another request; use a new key for a new email"),
        TooLarge("a request body may have at most 4,500,000 bytes"),
        UnsupportedMediaType("send `Content-Type: application/json`"),
        Invalid(("to[0]", "is not an email address: it is empty"), ("text", "is required, unless there is html")),
    ),
    openapi_extra=json_request(EmailRequest, short=examples.SHORT, full=examples.FULL),
)
def send_email(request: Request, key: Sender, body: JsonBody, parts: Parts, once: IdempotencyKey = None) -> Response:
    """Accept an email. It is stored and queued when this answers; delivery follows."""
    email = read_email(body, now_ms=int(parts.clock() * 1000), providers=parts.settings.providers)
    check_from(key, email.sender)
    accepted = parts.accept(email, owner=key.id, key=once)
    headers = {"Location": f"{request.scope['root_path']}/v1/emails/{accepted.head.email_id}"}
    if accepted.replayed:
        headers["Idempotent-Replayed"] = "true"
    content = stories.summarize(accepted.head).model_dump_json(by_alias=True)
    return Response(content, 200 if accepted.replayed else 202, headers, "application/json")


@router.get(
    "/v1/emails",
    dependencies=[Depends(may_read)],
    responses=answer(examples.PAGE) | errors(*_REFUSED, Invalid(("limit", "must be at most 100"))),
)
def list_emails(chosen: Annotated[Filter, Query()], parts: Parts) -> views.Page:
    """Emails, newest first: did Ann get it? A page may hold fewer than `limit` and still have a next one."""
    page = parts.read.page(chosen.recipient, chosen.status, chosen.after, chosen.limit)
    return views.Page(emails=[stories.summarize(head) for head in page.heads], after=page.after)


@router.get(
    "/v1/emails/{email_id}",
    dependencies=[Depends(may_read)],
    responses=answer(examples.STORY) | errors(*_REFUSED, _UNKNOWN),
)
def read_story(email_id: EmailId, parts: Parts) -> views.Story:
    """One email's whole story: its recipients, every attempt, and what the providers said later."""
    story = parts.read.story(_known(email_id))
    return stories.tell(story.head, story.events)


@router.post(
    "/v1/emails/{email_id}/cancel",
    dependencies=[Depends(may_send)],
    responses=answer(examples.CANCELED)
    | errors(*_REFUSED, _UNKNOWN, Conflict("too late: every recipient's email was already handed to a provider")),
)
def cancel_email(email_id: EmailId, parts: Parts) -> views.Summary:
    """Cancel every recipient that is still queued; canceling twice is fine."""
    return stories.summarize(parts.cancel(_known(email_id)))


def _known(email_id: str) -> str:
    """The id, if it could be one: a key of any other shape, DynamoDB might refuse."""
    if _ID.fullmatch(email_id) is None:
        raise NotFound("no such email")
    return email_id
