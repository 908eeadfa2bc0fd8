"""The head: what is known of one email at this moment, and the folds over its recipients.

Times are epoch milliseconds. A head never changes: every rule returns a new one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.email import Mailbox, OnUncertain, Role
from app.domain.kinds import Cause, OutcomeKind

# An email that was just written has this long to be published and claimed before the sweep looks at it.
NUDGE_AFTER_MS = 10_000


class Status(StrEnum):
    """What has become of one recipient. `queued` with a wait waits for a round, `sending` with one for evidence."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class EmailStatus(StrEnum):
    """What has become of the email: a fold of its recipients."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    PARTIALLY_DELIVERED = "partially_delivered"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class Fact(StrEnum):
    """What is known of one attempt's copy for one recipient."""

    ACCEPTED = "accepted"
    FAILED = "failed"  # reported as failed, in whatever way
    DEAD = "dead"  # the mailbox does not exist
    LISTED = "listed"  # on the provider's suppression list
    DELIVERED = "delivered"
    RETURNED = "returned"  # delivered first, then bounced
    SILENT = "silent"  # accepted, then nothing, by a provider that usually reports: no longer counted on


Facts = Mapping[int, frozenset[Fact]]


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient and its own fate.

    `attempt` is the current attempt: the last that claimed this recipient, or the one whose copy counts (0: none yet).
    `tried` holds the providers of this round: True where the failure was a passing one. `facts` is kept per attempt.
    """

    address: str
    role: Role
    name: str = ""
    status: Status = Status.QUEUED
    wait_until_ms: int | None = None
    attempt: int = 0
    round: int = 0
    tried: Mapping[str, bool] = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)
    cause: Cause | None = None
    detail: str = ""

    @property
    def key(self) -> str:
        """The key under which the head holds this recipient."""
        return self.address.lower()

    def knows(self, attempt: int, fact: Fact) -> bool:
        """Is this known of that attempt's copy?"""
        return fact in self.facts.get(attempt, frozenset())

    def attempts_with(self, fact: Fact, *, without: Iterable[Fact] = ()) -> list[int]:
        """The attempts of which `fact` is known and none of `without`, in order."""
        barred = frozenset(without)
        return sorted(n for n, facts in self.facts.items() if fact in facts and not facts & barred)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to one provider for some recipients (their keys). `outcome` is None while the call is under way."""

    number: int
    provider: str
    recipients: tuple[str, ...]
    started_at_ms: int
    outcome: OutcomeKind | None = None
    cause: Cause | None = None
    status_code: int | None = None
    reply: str = ""
    message_id: str = ""
    duration_ms: int | None = None
    repeats: int = 0  # the attempt whose call this one repeats, under the same idempotency key; 0: none

    @property
    def copy(self) -> int:
        """The number under which the provider knows this call, and reports on it."""
        return self.repeats or self.number


@dataclass(frozen=True, slots=True)
class Head:
    """One email's head item. `version` is that of the stored item this was read from (0: not stored yet)."""

    email_id: str
    fingerprint: str
    sender: Mailbox
    subject: str
    recipients: Mapping[str, Recipient]
    created_at_ms: int
    expires_at_ms: int
    retry_until_ms: int
    ttl_s: int  # epoch seconds, as DynamoDB wants it
    on_uncertain: OnUncertain = OnUncertain.WAIT
    providers: tuple[str, ...] = ()
    collapse_scope: str = ""  # emails of one scope replace each other while they wait
    critical: bool = False  # rescued through the next provider when this one falls silent
    override_suppression: bool = False
    attempts: tuple[Attempt, ...] = ()
    next_attempt: int = 1
    to_repeat: int = 0  # the attempt that comes next repeats this one; 0: it does not
    lease_attempt: int = 0
    lease_until_ms: int | None = None
    lease_holder: str = ""  # who made the claim, in a word of its own
    version: int = 0

    def attempt(self, number: int) -> Attempt | None:
        """The attempt of that number, if there was one. Numbers are handed out one by one from 1."""
        return self.attempts[number - 1] if 1 <= number <= len(self.attempts) else None

    def is_repeated(self, number: int) -> bool:
        """Was the call of that attempt made again, under the same idempotency key?"""
        return any(attempt.repeats == number for attempt in self.attempts)

    def leased(self, now_ms: int) -> bool:
        """Does a worker hold this email right now?"""
        return self.lease_until_ms is not None and now_ms < self.lease_until_ms


OPEN = (Status.QUEUED, Status.SENDING, Status.SENT)  # in the order of their progress


def status(recipients: Iterable[Recipient]) -> EmailStatus:
    """The email's own status: the earliest open one, else what the ends add up to."""
    found = {recipient.status for recipient in recipients}
    for open_status in OPEN:
        if open_status in found:
            return EmailStatus(open_status.value)
    if found <= {Status.DELIVERED, Status.COMPLAINED}:
        return EmailStatus.DELIVERED
    if found & {Status.DELIVERED, Status.COMPLAINED}:
        return EmailStatus.PARTIALLY_DELIVERED
    for single, email_status in ((Status.CANCELED, EmailStatus.CANCELED), (Status.EXPIRED, EmailStatus.EXPIRED)):
        if found == {single}:
            return email_status
    return EmailStatus.FAILED


def ready(head: Head, now_ms: int) -> bool:
    """Is there somebody to send to, a call to repeat, a wait or an ended lease to decide on, and nobody at it?"""
    if head.lease_until_ms is not None:
        return now_ms >= head.lease_until_ms
    return bool(head.to_repeat) or any(
        recipient.wait_until_ms <= now_ms if recipient.wait_until_ms is not None else recipient.status is Status.QUEUED
        for recipient in head.recipients.values()
    )


def due_at_ms(head: Head, now_ms: int) -> int | None:
    """When the sweep must look at this email again; None: there is nothing left to do."""
    if head.lease_until_ms is not None:
        return head.lease_until_ms  # whatever waits, nobody may claim before
    waits = [
        recipient.wait_until_ms if recipient.wait_until_ms is not None else now_ms + NUDGE_AFTER_MS
        for recipient in head.recipients.values()
        if recipient.wait_until_ms is not None or recipient.status is Status.QUEUED
    ]
    if head.to_repeat:
        waits.append(now_ms + NUDGE_AFTER_MS)
    return min(waits, default=None)
