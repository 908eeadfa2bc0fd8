"""The calls that read and list emails, and those that cancel, move and retry them."""

import re
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from app.api.auth import Parts, Reader, Sender, check_email
from app.api.body import JsonBody, OptionalJsonBody
from app.api.openapi import LOCATION, answer, body_errors, errors, json_request, optional_json_request, refusals
from app.api.threads import Route
from app.api.v1 import examples, idempotency, queries, stories, views
from app.api.v1.email_filter import Filter, wanted
from app.api.v1.later_schemas import RetryRequest, ScheduleRequest
from app.api.v1.validation import read_retry, read_schedule
from app.errors import Conflict, Invalid, NotFound

_NO_KEY = "is for POST /v1/emails; leave it out: a retry that comes again is refused while the first one is under way"
router = APIRouter(route_class=Route, tags=["emails"])

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UNKNOWN = NotFound("no such email")
EmailId = Annotated[str, Path(description="the `id` that the answer of a send has", examples=[examples.ID])]
# Another example, because the other email was delivered long ago.
OpenEmailId = Annotated[
    str, Path(description="the `id` that the answer of a send has", examples=[examples.CANCELED_ID])
]
ScheduledEmailId = Annotated[
    str, Path(description="the `id` that the answer of a send has", examples=[examples.SCHEDULED_ID])
]
FailedEmailId = Annotated[
    str, Path(description="the `id` that the answer of a send has", examples=[examples.FAILED_ID])
]


@router.get(
    "/v1/emails",
    dependencies=[queries.checked(Filter)],
    responses=answer(examples.PAGE) | refusals("read") | errors(Invalid(("limit", "must be at most 100"))),
)
def list_emails(chosen: Annotated[Filter, Query()], key: Reader, parts: Parts) -> views.EmailList:
    """List the emails of the key's project, newest first; with the scope `admin`, those of all projects.

    A page may hold fewer than `limit` emails although a next page exists.
    """
    page = parts.read.page(wanted(chosen, key), chosen.after, chosen.limit)
    return views.EmailList(emails=[stories.summarize(head) for head in page.heads], after=page.after)


@router.get(
    "/v1/emails/{email_id}",
    responses=answer(examples.STORY) | refusals("read") | errors(_UNKNOWN),
)
def get_email(email_id: EmailId, key: Reader, parts: Parts) -> views.EmailStory:
    """Read one email's whole story: its recipients, every attempt, and what the providers reported later.

    What it says is apart: `GET /v1/emails/{id}/content`, and `/raw` for the whole email as MIME.
    """
    story = parts.read.story(known(email_id), key.sees)
    return stories.write_story(story.head, story.events, story.details)


@router.post(
    "/v1/emails/{email_id}/cancel",
    responses=answer(examples.CANCELED)
    | refusals("send")
    | errors(_UNKNOWN, Conflict("too late: every recipient's email was already handed to a provider")),
)
def cancel_email(email_id: OpenEmailId, key: Sender, parts: Parts) -> views.EmailSummary:
    """Cancel every recipient that is still scheduled or queued. Canceling again changes nothing.

    After a 200 no new call to a provider begins for this email. A copy that a provider has taken before is told as it
    is; if it fails, its recipient is canceled, too.
    """
    return stories.summarize(parts.cancel(known(email_id), key.sees))


@router.patch(
    "/v1/emails/{email_id}",
    responses=answer(examples.MOVED)
    | refusals("send")
    | body_errors(Invalid(("send_at", "must be within 30 days")))
    | errors(_UNKNOWN, Conflict("too late: this email has been started, and is sent")),
    openapi_extra=json_request(ScheduleRequest, {"example": ("another time", examples.TO_MOVE)}),
)
def reschedule_email(email_id: ScheduledEmailId, key: Sender, body: JsonBody, parts: Parts) -> views.EmailSummary:
    """Send a scheduled email at another time; at once if that is over.

    An `expires_at` that was given stays, the default moves along. To ask for the time that it has changes nothing.
    """
    send_at_ms = read_schedule(body)
    return stories.summarize(parts.reschedule(known(email_id), key.sees, send_at_ms))


@router.post(
    "/v1/emails/{email_id}/retry",
    status_code=202,
    dependencies=[Depends(idempotency.refused(_NO_KEY))],
    responses=answer(examples.RETRIED, 202, description="Queued again", headers=LOCATION)
    | refusals("send")
    | body_errors(Invalid(("recipients[0]", "is no recipient of this email")))
    | errors(_UNKNOWN, Conflict("ann@example.com has got the email")),
    openapi_extra=optional_json_request(
        RetryRequest,
        {
            "all": ("all who are failed or expired", {}),
            "some": ("somebody, through another account", examples.TO_RETRY),
        },
    ),
)
def retry_email(
    request: Request,
    response: Response,
    email_id: FailedEmailId,
    key: Sender,
    body: OptionalJsonBody,
    parts: Parts,
) -> views.EmailSummary:
    """Try those again whom an email did not reach, with new deadlines. The story so far stays.

    To ask again while they are tried is a 409, so nobody is tried twice for it. Who may have got the email is not tried
    again, unless a second copy is allowed.
    """
    head = parts.retry(known(email_id), key.sees, read_retry(body), partial(check_email, key))
    response.headers["Location"] = f"{request.scope['root_path']}/v1/emails/{head.email_id}"
    return stories.summarize(head)


def known(email_id: str) -> str:
    """Return `email_id`, if it has the form of an id. Raises NotFound otherwise: DynamoDB might refuse such a key."""
    if _ID.fullmatch(email_id) is None:
        raise NotFound("no such email")
    return email_id
