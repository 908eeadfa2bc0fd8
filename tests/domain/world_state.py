"""One state of the world: the email as it is stored, and what is going on around it."""

from typing import NamedTuple

from app.domain.email import OnUncertain
from app.domain.head import Head
from app.domain.kinds import Kind
from app.domain.outcome import Outcome

FAILURES = (
    *(Kind.SOFT_BOUNCE, Kind.BLOCKED, Kind.DROPPED, Kind.HARD_BOUNCE, Kind.MAILBOX_CONDITION, Kind.SUPPRESSED),
    Kind.VIRUS,
)


class Report(NamedTuple):
    """Something that is known of one copy: from a webhook, or from an outcome that a worker wrote."""

    attempt: int
    key: str
    kind: Kind


class Worker(NamedTuple):
    pc: str  # the worker's next step: claim (it has read the head), call or write
    number: int
    read: Head
    outcome: Outcome | None = None


class Setup(NamedTuple):
    """What is explored. In a `prompt` world nothing fails, and neither time nor sweep may be needed."""

    policy: OnUncertain = OnUncertain.WAIT
    people: int = 1
    faults: int = 1
    retry_for_ms: int = 40_000  # long enough for one further round
    lifetime_ms: int = 86_400_000
    cancel: bool = False
    critical: bool = False
    silent: tuple[str, ...] = ()  # providers that are known to report no more
    prompt: bool = False
    limited: tuple[str, ...] = ()  # providers that a limit keeps from being called
    limit_ms: int = 0  # until then
    passes_lists: bool = False  # no provider's own list ends anything
    send_at_ms: int = 0  # a message that comes before is in the queue already
    move_to_ms: int | None = None  # whereto the client may move the schedule once
    retries: int = 0  # how often the client may retry


class State(NamedTuple):
    head: Head
    now_ms: int
    due_ms: int | None
    faults: int  # how many more faults may happen
    cancel: bool  # whether the client may still cancel
    prompt: bool
    silent: frozenset[str] = frozenset()
    bag: tuple[int, ...] = ()  # messages in the queue, by attempt number
    workers: tuple[Worker, ...] = ()
    copies: frozenset[tuple[int, str]] = frozenset()  # attempt and recipient of each copy that a provider has
    reports: frozenset[Report] = frozenset()  # webhooks that came in
    known: frozenset[Report] = frozenset()  # reports, and outcomes that were written
    calls: frozenset[int] = frozenset()
    uncertain: frozenset[int] = frozenset()  # attempts with an uncertain outcome, or whose worker died or was late
    limited: frozenset[str] = frozenset()
    limit_ms: int = 0
    canceled: bool = False  # a cancellation was answered with success
    passes_lists: bool = False
    move_to_ms: int | None = None
    retries: int = 0
    passed: frozenset[Report] = frozenset()  # what was known when the client retried
    passed_calls: frozenset[tuple[int, str]] = frozenset()  # calls of unknown outcome by then, by attempt and recipient


class Step(NamedTuple):
    label: str
    kind: str  # step, fault, webhook (it may never come) or client
    state: State
    broken: tuple[str, ...] = ()


def failed(s: State, attempt: int, key: str) -> bool:
    """Whether the provider has reported this copy as failed."""
    return any((report.attempt, report.key) == (attempt, key) and report.kind in FAILURES for report in s.reports)


def is_limited(s: State, provider: str) -> bool:
    """Whether a limit keeps this provider from being called now."""
    return provider in s.limited and s.now_ms < s.limit_ms


def is_silent(s: State, attempt: int) -> bool:
    """Whether a copy of that attempt may be given up because its provider reports no more."""
    return s.head.critical and s.head.attempts[attempt - 1].provider in s.silent


def calls_of_unknown_outcome(s: State, head: Head, key: str) -> set[int]:
    """The calls to this recipient of which `head` does not know the outcome, and of which nothing was reported."""
    told = {report.attempt for report in s.known if report.key == key}
    return {
        attempt.original_number
        for attempt in head.attempts
        if key in attempt.recipients and attempt.outcome is Kind.UNCERTAIN
    } - told
