"""The shapes of version 1's answers. Class names are schema names in the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType

from app.api.v1 import examples
from app.domain.email import Role
from app.domain.head import EmailStatus, Status
from app.domain.kinds import Cause, EventKind, OutcomeKind
from app.domain.lane import Lane
from app.domain.route import Availability
from app.domain.suppression import Reason
from app.domain.waiting import Waiting

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2030-01-31T18:00:00.000Z"])]

# Literals have no class to be called after.
AttemptOutcome = TypeAliasType("AttemptOutcome", OutcomeKind)
EmailEventKind = TypeAliasType("EmailEventKind", EventKind)


class EmailRecipient(BaseModel):
    """One recipient and its status. `attempt` and `provider` are those that brought about the status."""

    address: str
    role: Role
    status: Status
    attempt: int | None
    provider: str | None
    cause: Cause | None
    detail: str | None
    next_attempt_at: Annotated[
        Time | None,
        Field(
            exclude_if=lambda value: value is None,
            description="when the next attempt is made, unless evidence or an operator changes that; only if it waits",
        ),
    ] = None
    waiting_because: Annotated[
        Waiting | None,
        Field(
            exclude_if=lambda value: value is None,
            description="what ends its wait first, as it was when the wait began; only if it waits",
        ),
    ] = None


class EmailAttempt(BaseModel):
    """One call to one provider. `outcome` is null while it is under way.

    `repeats` is the number of the attempt whose call this one repeats under the same idempotency key, so that the
    provider sends no second copy. `outcomes` is there only if the call did not end the same way for all: the outcome of
    each recipient.
    """

    number: int
    provider: str
    recipients: list[str]
    outcome: AttemptOutcome | None
    cause: Cause | None
    status_code: int | None
    reply: str | None
    message_id: str | None
    started_at: Time
    duration_ms: int | None
    repeats: int | None
    outcomes: Annotated[dict[str, AttemptOutcome] | None, Field(exclude_if=lambda value: value is None)] = None


class EmailEvent(BaseModel):
    """What a provider's webhook reported about one recipient of one attempt. `at` is the provider's time.

    A provider's times may be whole seconds, so that `at` may lie before the attempt's `started_at`. `sort_at` never
    does: it is for those who put events and attempts into one list.

    `scope` is what somebody unsubscribed from or subscribed to again, by the provider's own name; null: everything.
    """

    at: Time
    sort_at: Time
    provider: str
    attempt: int | None
    recipient: str | None
    kind: EmailEventKind
    cause: Cause | None
    detail: str | None
    scope: str | None


class EmailTracking(BaseModel):
    """What was to be tracked, as every provider is told with the email that can be told."""

    opens: bool
    clicks: bool


class EmailSummary(BaseModel):
    """An email and its status."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    project: str
    test: Annotated[
        bool,
        Field(
            exclude_if=lambda value: not value,
            description="there only if a test key sent it: through the sandbox, which reaches nobody",
        ),
    ] = False
    lane: Lane
    status: EmailStatus
    sender: Annotated[str, Field(alias="from")]
    to: list[str]
    cc: list[str]
    bcc: list[str]
    subject: str
    tracking: EmailTracking
    webhook_url: Annotated[
        str | None, Field(exclude_if=lambda value: value is None, description="the one that was named, if one was")
    ] = None
    created_at: Time
    send_at: Annotated[
        Time | None,
        Field(exclude_if=lambda value: value is None, description="when it is or was to be sent, if a time was given"),
    ] = None
    expires_at: Time
    recipients: list[EmailRecipient]


class SuppressedRecipient(BaseModel):
    """A recipient to whom the email is not sent, why, and until when nothing is sent there."""

    address: str
    reason: Reason
    until: Time


Suppressed = Annotated[
    list[SuppressedRecipient],
    Field(description="the recipients who are on the suppression list, to whom the email is not sent"),
]


class AcceptedEmail(EmailSummary):
    """An email that was accepted. A repeated request is answered with the `suppressed` of the first."""

    eligible_providers: Annotated[
        list[str],
        Field(
            description="the providers through which it may be sent, in the configured order",
            examples=[examples.ELIGIBLE],
        ),
    ]
    suppressed: Suppressed


class EarlierAttempts(BaseModel):
    """Attempts through one provider that surely sent nothing and are so old that they are only counted."""

    provider: str
    count: int
    first_at: Time
    last_at: Time
    outcome: Annotated[AttemptOutcome | None, Field(description="of the last of them")]


class EmailStory(EmailSummary):
    """An email and everything that happened to it: attempts and events in the order of their times.

    `reply_to`, `headers`, `tags` and `metadata` are as they were sent in; all four are null if the content of the email
    is missing or damaged in the store.
    """

    reply_to: list[str] | None
    headers: dict[str, str] | None
    tags: list[str] | None
    metadata: dict[str, str] | None
    attempts: list[EmailAttempt]
    earlier_attempts: Annotated[list[EarlierAttempts], Field(description="old ones, which are only counted")]
    events: list[EmailEvent]


class EmailList(BaseModel):
    """One page of emails, newest first. `after` is the cursor of the next page; null: there are no more."""

    emails: list[EmailSummary]
    after: str | None


class RouteCandidate(BaseModel):
    """One provider of a route, and whether it may be called now.

    `available`: it may; `unavailable_for_now`: only in the last round; `paused`: not even then; `excluded`: never for
    this email.
    """

    provider: str
    state: Availability
    why: str
    until: Annotated[
        Time | None,
        Field(description="when it is considered again, if it may not be called now; a pause has no end"),
    ]
    notes: Annotated[list[str], Field(description="what else holds there for this email, and does not keep it away")]


class Explanation(BaseModel):
    """The route that an email would take: every configured provider, in the order in which it would be tried."""

    lane: Annotated[Lane, Field(description="how soon it would be sent, compared with others")]
    route: list[RouteCandidate]
    suppressed: Suppressed
    send_at: Annotated[
        Time | None,
        Field(
            exclude_if=lambda value: value is None,
            description="when it would be sent, if that is later; the route is the one of now and is chosen anew then",
        ),
    ] = None


class WebhookReceipt(BaseModel):
    """The webhook was recorded, by this call or by an earlier one."""

    status: Literal["recorded"]
