"""The calls that read, list and cancel emails."""

import re
from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.api.auth import Parts, Reader, Sender
from app.api.openapi import answer, errors, refusals
from app.api.threads import Route
from app.api.v1 import examples, queries, stories, views
from app.api.v1.email_filter import Filter, wanted
from app.errors import Conflict, Invalid, NotFound

router = APIRouter(route_class=Route, tags=["emails"])

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UNKNOWN = NotFound("no such email")
EmailId = Annotated[str, Path(description="the `id` that the answer of a send has", examples=[examples.ID])]
# Another example, because the other email was delivered long ago.
OpenEmailId = Annotated[
    str, Path(description="the `id` that the answer of a send has", examples=[examples.CANCELED_ID])
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
    """Cancel every recipient that is still queued. Canceling again changes nothing.

    After a 200 no new call to a provider begins for this email. A copy that a provider has taken before is told as it
    is; if it fails, its recipient is canceled, too.
    """
    return stories.summarize(parts.cancel(known(email_id), key.sees))


def known(email_id: str) -> str:
    """Return `email_id`, if it has the form of an id. Raises NotFound otherwise: DynamoDB might refuse such a key."""
    if _ID.fullmatch(email_id) is None:
        raise NotFound("no such email")
    return email_id
