"""The head: what is known of one email at this moment, and what follows from all of its recipients together.

Times are epoch milliseconds. A head is never changed: every function returns a new one.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter

from app.domain.address import address_key
from app.domain.attempts import Attempt, EarlierCalls
from app.domain.email import UNTRACKED, Mailbox, OnUncertain, Role, Tracking
from app.domain.kinds import Cause
from app.domain.lane import Lane
from app.domain.project import DEFAULT, is_of_test_keys
from app.domain.sandbox_accounts import ACCOUNTS as SANDBOX
from app.domain.suppression import Notice
from app.domain.waiting import Waiting


class Status(StrEnum):
    """What has become of one recipient of an email."""

    # A scheduled recipient has its `send_at` as `wait_until_ms`. A queued one that has one waits for the next round, a
    # sending one for evidence.

    SCHEDULED = "scheduled"
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
    """What has become of the email: what the statuses of its recipients add up to."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    PARTIALLY_DELIVERED = "partially_delivered"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class Stop(StrEnum):
    """Why no further call is made for any recipient of an email. It is kept for good."""

    CANCELED = "canceled"  # by the client
    SUPERSEDED = "superseded"  # by a newer email with the same collapse key


class Evidence(StrEnum):
    """What is known of one attempt's copy for one recipient."""

    ACCEPTED = "accepted"
    FAILED = "failed"  # reported as failed, in whatever way
    HARD_BOUNCE = "hard_bounce"  # the mailbox does not exist
    MAILBOX_CONDITION = "mailbox_condition"  # the mailbox exists and does not take this email from anybody
    VIRUS = "virus"  # the provider found a virus in the email
    SUPPRESSED = "suppressed"  # the address is on the provider's own suppression list
    DELIVERED = "delivered"
    DELAYED = "delayed"  # reported as accepted and not yet delivered
    OPENED = "opened"  # opened or clicked, by the recipient or by a gateway on the way
    RETURNED = "returned"  # delivered first, then returned or blocked
    SILENT = "silent"  # accepted by a provider that fell silent, and given up: the copy no longer counts
    RETRIED = "retried"  # a client has asked for a retry since: what was known until then keeps nobody from a call


EvidenceByAttempt = Mapping[int, frozenset[Evidence]]


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of an email, whose status does not depend on the others.

    `attempt` is the current attempt: the last one that claimed this recipient, or the one whose copy counts (0: none
    yet). `tried` maps the providers of this round to whether their failure was transient. `round` counts from 0, and
    `round_ends_at_ms` is when the next one begins (None: a provider of this round is left). A wait may end before that,
    to check whether a provider that could not be called can be called now; `waits_for` is what a queued one waits for
    (None: it has no wait, or waits for evidence). `passes_lists`: a provider's own suppression
    list ends nothing, because the email overrides the lists or the address was lifted from ours.
    """

    address: str
    role: Role
    status: Status = Status.QUEUED
    wait_until_ms: int | None = None
    attempt: int = 0
    round: int = 0
    round_ends_at_ms: int | None = None
    tried: Mapping[str, bool] = field(default_factory=dict)
    evidence: EvidenceByAttempt = field(default_factory=dict)
    cause: Cause | None = None
    detail: str = ""
    passes_lists: bool = False
    waits_for: Waiting | None = None

    def __post_init__(self) -> None:
        if self.wait_until_ms is None:  # whatever ends a wait ends what was waited for
            object.__setattr__(self, "waits_for", None)

    @property
    def key(self) -> str:
        """The key under which the head holds this recipient."""
        return address_key(self.address)

    def has_evidence(self, attempt: int, evidence: Evidence) -> bool:
        """Whether this is known of that attempt's copy."""
        return evidence in self.evidence.get(attempt, frozenset())

    def attempts_with(self, evidence: Evidence, *, without: Iterable[Evidence] = ()) -> list[int]:
        """The numbers of the attempts of which `evidence` is known and nothing in `without`, in order."""
        excluded = frozenset(without)
        return sorted(n for n, known in self.evidence.items() if evidence in known and not known & excluded)


@dataclass(frozen=True, slots=True)
class Head:
    """One email's head item. `version` is that of the stored item that it was read from (0: not stored yet)."""

    email_id: str
    fingerprint: str
    sender: Mailbox
    subject: str
    recipients: Mapping[str, Recipient]
    created_at_ms: int
    expires_at_ms: int
    retry_until_ms: int
    ttl_s: int  # epoch seconds, as DynamoDB wants it
    project: str = DEFAULT
    lane: Lane = Lane.NORMAL  # for good
    tags: tuple[str, ...] = ()  # by which it is found
    shard: int = 0  # of the indexes, for good
    send_at_ms: int | None = None  # when the client wants it sent; None: at once
    begins_at_ms: int | None = None  # when its lifetime begins: later than `created_at_ms`, by a schedule or a retry
    on_uncertain: OnUncertain = OnUncertain.WAIT
    providers: tuple[str, ...] = ()  # those that the client named; none: all
    through: str = ""  # the only one of the last retry; "": that had none
    excluded: tuple[str, ...] = ()  # those that cannot carry this email, as was found when it was accepted
    collapse_scope: str = ""  # emails of one scope replace each other while they wait
    critical: bool = False  # sent again through the next provider if the one that accepted it falls silent
    override_suppression: bool = False
    tracking: Tracking = UNTRACKED
    suppressed: Mapping[str, Notice] = field(default_factory=dict)  # by key, as the answer to the request said
    accepted_by: str = ""  # a random id of the request, by which its accept recognises its own write
    key_hash: str = ""  # of the idempotency key that names it; "": it has none
    stopped: Stop | None = None
    traceparent: str = ""  # the span of the request that made it, to which all that follows belongs; "": not traced
    turn_ms: int | None = None  # when it is tried again because of a cap per second
    limited_since_ms: int | None = None  # a recipient waits for limits only; `retry_until_ms` is put off by that time
    attempts: tuple[Attempt, ...] = ()  # by number, without those that are counted in `earlier`
    earlier: Mapping[str, EarlierCalls] = field(default_factory=dict)  # by provider
    next_attempt: int = 1
    to_repeat: int = 0  # the attempt that comes next repeats this one; 0: it does not
    lease_attempt: int = 0
    lease_until_ms: int | None = None
    lease_holder: str = ""  # a random id of the claim, by which its worker recognises its own write
    webhook_url: str = ""  # what becomes of it is posted there, beside the project's endpoints; "": only to those
    written_at_ms: int = 0  # when it was written: later with each version. 0: not stored yet
    due_entry_ms: int | None = None  # its place among the emails that are due, as it is stored; None: it has none
    version: int = 0

    @property
    def sandbox(self) -> bool:
        """Whether a test key sent it, so that it goes through the accounts of the sandbox, for good."""
        return is_of_test_keys(self.project)

    @property
    def lives_from_ms(self) -> int:
        """When the email's lifetime begins, from which its deadlines count."""
        return self.created_at_ms if self.begins_at_ms is None else self.begins_at_ms

    def lived_from_ms(self, called_ms: int) -> int:
        """When the lifetime began to which a call of that time belongs: a retry begins another one."""
        return self.lives_from_ms if called_ms >= self.lives_from_ms else self.created_at_ms

    @property
    def allowed(self) -> tuple[str, ...]:
        """The providers that the client named, for the whole email or for its last retry; none: all."""
        return (self.through,) if self.through else self.providers

    def may_use(self, provider: str) -> bool:
        """Whether the email may be sent through this provider. One that was configured later may try.

        Test mail goes through the sandbox only, and nothing else does.
        """
        is_named = not self.allowed or provider in self.allowed
        return (provider in SANDBOX) is self.sandbox and is_named and provider not in self.excluded

    def attempt(self, number: int) -> Attempt | None:
        """The attempt of that number, if there was one and it is still listed. Numbers count from 1."""
        if 0 < number <= len(self.attempts) and self.attempts[number - 1].number == number:
            return self.attempts[number - 1]  # as it is until something is counted in `earlier`
        index = bisect_left(self.attempts, number, key=attrgetter("number"))
        found = self.attempts[index] if index < len(self.attempts) else None
        return found if found is not None and found.number == number else None

    def made(self, number: int) -> Attempt:
        """The attempt of that number, which is listed because something refers to it."""
        found = self.attempt(number)
        if found is None:
            raise KeyError(f"{self.email_id} has no attempt {number}")
        return found

    def is_repeated(self, number: int) -> bool:
        """Whether a later attempt makes the call of that attempt again, under the same idempotency key."""
        return any(attempt.repeats == number for attempt in self.attempts)

    def leased(self, now_ms: int) -> bool:
        """Whether a worker holds this email right now."""
        return self.lease_until_ms is not None and now_ms < self.lease_until_ms


OPEN = (Status.SCHEDULED, Status.QUEUED, Status.SENDING, Status.SENT)  # in the order of their progress


def status(recipients: Iterable[Recipient]) -> EmailStatus:
    """The email's own status: the earliest open one of its recipients, else what their final ones add up to."""
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
