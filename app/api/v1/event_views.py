"""The shapes of what became of emails. Class names are schema names in the OpenAPI document."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from app.api.v1.views import Time

log = logging.getLogger(__name__)

OnlyIf = Field(exclude_if=lambda value: value is None)


class ChangeData(BaseModel):
    """What became of one recipient, and what was known of it and of its email then. What is not known is null.

    `sequence` sorts the events of one email. `previous_provider` is there after a failover, `scope` if somebody
    unsubscribed from something by name, and `test` for what a test key sent. Only a delivery has `time_to_delivery_ms`,
    since the email was to be sent, and `after_failover` if another account had failed.
    """

    email_id: str
    sequence: int
    project: str
    recipient: str | None
    role: str | None
    status: Annotated[str, Field(description="the recipient's, after this event")]
    previous_status: str | None
    email_status: str
    provider: str | None
    attempt: int | None
    message_id: str | None
    cause: str | None
    detail: str | None
    tags: list[str]
    created_at: Time
    test: Annotated[bool | None, OnlyIf] = None
    previous_provider: Annotated[str | None, OnlyIf] = None
    scope: Annotated[str | None, OnlyIf] = None
    time_to_delivery_ms: Annotated[int | None, OnlyIf] = None
    after_failover: Annotated[bool | None, OnlyIf] = None


class Change(BaseModel):
    """One event, as a webhook tells it. `id` is the webhook's, too: `webhook-id` of its headers.

    Types may be added: pass over those that you do not know.
    """

    id: str
    type: Annotated[str, Field(examples=["email.delivered"])]
    timestamp: Annotated[Time, Field(description="when it happened")]
    data: ChangeData


class ChangeList(BaseModel):
    """Events in the order in which they were recorded. `after` is where to go on, now or later; it is never null.

    `has_more` is false if there was nothing more to read at that time. Events may be none although there are more.
    """

    events: list[Change]
    after: str
    has_more: bool


def read(entries: Iterable[Mapping[str, Any]]) -> Iterator[Change]:
    """The entries of the feed as they are shown. One that cannot be read, which nobody writes, hides no other."""
    for entry in entries:
        try:
            yield Change.model_validate(entry)
        except ValidationError as error:
            log.error("entry of the feed cannot be shown", extra={"faults": error.error_count()})  # noqa: TRY400 because its values may be addresses
