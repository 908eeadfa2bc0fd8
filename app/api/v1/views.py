"""The shapes of version 1's answers, under the names that the OpenAPI document has for them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.domain.email import Role
from app.domain.head import EmailStatus, Status
from app.domain.kinds import Cause, EventKind, OutcomeKind
from app.domain.route import Availability
from app.domain.suppression import Reason

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2030-01-31T18:00:00.000Z"])]


class Recipient(BaseModel):
    """One recipient and what has become of it. `attempt` and `provider` are those of the copy that counts."""

    address: str
    role: Role
    status: Status
    attempt: int | None
    provider: str | None
    cause: Cause | None
    detail: str | None


class Attempt(BaseModel):
    """One call to one provider. `outcome` is null while it is under way.

    `repeats`: the attempt whose call this one repeats under the same idempotency key; no second copy can come of it.
    """

    number: int
    provider: str
    recipients: list[str]
    outcome: OutcomeKind | None
    cause: Cause | None
    status_code: int | None
    reply: str | None
    message_id: str | None
    started_at: Time
    duration_ms: int | None
    repeats: int | None


class EmailEvent(BaseModel):
    """What a provider's webhook said of one recipient of one attempt; `at` is the provider's time."""

    at: Time
    provider: str
    attempt: int | None
    recipient: str | None
    kind: EventKind
    cause: Cause | None
    detail: str | None


class Summary(BaseModel):
    """An email and what has become of it."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    status: EmailStatus
    sender: Annotated[str, Field(alias="from")]
    to: list[str]
    cc: list[str]
    bcc: list[str]
    subject: str
    created_at: Time
    expires_at: Time
    recipients: list[Recipient]


class Accepted(Summary):
    """An email that was accepted."""

    eligible_providers: Annotated[
        list[str], Field(description="the providers that may carry it, in the configured order", examples=[["ses"]])
    ]


class Story(Summary):
    """An email and all that happened to it: attempts and events in the order of their times."""

    attempts: list[Attempt]
    events: list[EmailEvent]


class Page(BaseModel):
    """Some emails, newest first. `after` asks for the next ones; null: there are no more."""

    emails: list[Summary]
    after: str | None


class Candidate(BaseModel):
    """One provider of a route, and whether it may be asked now.

    `available`; `unavailable_for_now`: asked in the last round only; `paused`; `excluded`: never for this email.
    """

    provider: str
    state: Availability
    why: str
    until: Annotated[Time | None, Field(description="when it is worth another look, if it may not be asked now")]


class Explanation(BaseModel):
    """The route an email would take: every configured provider, in the order in which it would be tried."""

    route: list[Candidate]


class Breaker(BaseModel):
    """While it is open, one email at a time probes the provider, from `until` on; the others pass by."""

    open: bool
    reason: str | None
    until: Time | None


class Provider(BaseModel):
    """A provider's health, as all processes know it."""

    name: str
    weight: Annotated[int, Field(description="0 to 100; below 50 it goes behind the others")]
    paused: bool
    breaker: Breaker
    cooldown_until: Annotated[
        Time | None, Field(description="it asked us to slow down, and nothing is sent through it until then")
    ]
    silent: Annotated[bool, Field(description="it accepts, but reports less than it used to")]
    usual_share: Annotated[
        float | None, Field(description="of accepted recipients that it reports on, usually; null: not known yet")
    ]
    epoch: Annotated[int, Field(description="how often it was resumed")]


class Providers(BaseModel):
    """Every configured provider, in the configured order."""

    providers: list[Provider]


class Suppression(BaseModel):
    """An address that is not to be sent to, and why."""

    address: str
    reason: Reason
    note: Annotated[str, Field(description="the evidence")]
    since: Time
    until: Time


class Suppressions(BaseModel):
    """Some suppressions, in no order that means anything. `after` asks for more; null: there are no more."""

    suppressions: list[Suppression]
    after: str | None


class Receipt(BaseModel):
    """A webhook was recorded, now or earlier."""

    status: Literal["recorded"] = "recorded"
