"""What must hold whenever an attempt is claimed, and whenever a recipient is given up."""

from app.domain.dispatch import Dispatch
from app.domain.email import OnUncertain
from app.domain.head import Head, Status
from app.domain.health import SILENT_AFTER_MS
from app.domain.kinds import Kind
from tests.domain.world_state import Report, State, calls_of_unknown_outcome, failed, is_limited, is_silent

AT_FAULT = (Kind.HARD_BOUNCE, Kind.MAILBOX_CONDITION, Kind.SUPPRESSED, Kind.UNDELIVERABLE, Kind.VIRUS)
MOST_UNKNOWN = {OnUncertain.WAIT: 2, OnUncertain.FAILOVER: 4, OnUncertain.FAIL: 1}


def claimed_wrongly(s: State, settled: Head, dispatch: Dispatch, key_forgotten_ms: int | None) -> tuple[str, ...]:
    """The invariants that a claim of `dispatch` breaks. `key_forgotten_ms` is about the call that it repeats."""
    broken: tuple[str, ...] = ("C",) if s.canceled else ()
    if key_forgotten_ms is not None and s.now_ms >= key_forgotten_ms:
        broken += ("K",)
    if is_limited(s, dispatch.provider):
        broken += ("L",)
    if s.now_ms < (s.head.send_at_ms or 0):
        broken += ("S",)
    # A repetition makes no second copy of the attempt that it repeats.
    others = [report for report in s.known if report.attempt != dispatch.repeats]
    for key in dispatch.recipients:
        mine = [report for report in others if report.key == key]
        if any(_knows_of_a_copy(s, report) for report in mine):
            broken += ("I2",)
        at_fault = set(AT_FAULT) - ({Kind.SUPPRESSED} if settled.recipients[key].passes_lists else set())
        if any(report.kind in at_fault and report not in s.passed for report in mine):
            broken += ("I4",)
        counted = {n for n in calls_of_unknown_outcome(s, settled, key) if (n, key) not in s.passed_calls}
        if not dispatch.repeats and len(counted) >= MOST_UNKNOWN[s.head.on_uncertain]:
            broken += ("N",)
    return broken


def _knows_of_a_copy(s: State, report: Report) -> bool:
    """Whether this report is of a copy that forbids another one."""
    if failed(s, report.attempt, report.key):
        return False
    if report.kind is Kind.ACCEPTED and is_silent(s, report.attempt):
        waited_ms = s.now_ms - s.head.attempts[report.attempt - 1].started_at_ms
        return waited_ms < SILENT_AFTER_MS or s.head.on_uncertain is OnUncertain.FAIL
    return report.kind in (Kind.ACCEPTED, Kind.DELIVERED)


def given_up_early(s: State, head: Head) -> bool:
    """Whether `head` gives a recipient up although a later round could call a provider again."""
    if s.now_ms >= head.retry_until_ms:
        return False
    return any(
        recipient.status is Status.FAILED
        and s.head.recipients[key].status is not Status.FAILED
        and len(calls_of_unknown_outcome(s, head, key)) < MOST_UNKNOWN[head.on_uncertain]
        and _may_be_called_again(s, head, key)
        and not _has_virus(s)
        for key, recipient in head.recipients.items()
    )


def given_up_for_a_limit(s: State, head: Head) -> bool:
    """Whether `head` gives a recipient up although only a limit keeps a provider from being called for it."""
    if s.now_ms >= head.expires_at_ms:
        return False
    return any(
        recipient.status is Status.FAILED
        and s.head.recipients[key].status is not Status.FAILED
        and len(calls_of_unknown_outcome(s, head, key)) < MOST_UNKNOWN[head.on_uncertain]
        and not _has_virus(s)
        and any(is_limited(s, name) and _was_never_called(head, key, name) for name in s.limited)
        for key, recipient in head.recipients.items()
    )


def _has_virus(s: State) -> bool:
    """Whether a provider has found a virus in the email, which is the same at any provider and for everybody."""
    return any(report.kind is Kind.VIRUS for report in s.known)


def _was_never_called(head: Head, key: str, provider: str) -> bool:
    return not any(key in attempt.recipients and attempt.provider == provider for attempt in head.attempts)


def _may_be_called_again(s: State, head: Head, key: str) -> bool:
    """Whether the last call to this recipient through any provider was answered by nobody, or by an outage."""
    last = {attempt.provider: attempt for attempt in head.attempts if key in attempt.recipients}
    unknown = calls_of_unknown_outcome(s, head, key)
    return any(
        attempt.original_number in unknown
        or (attempt.outcome is Kind.UNAVAILABLE and not attempt.repeats and not failed(s, attempt.number, key))
        for attempt in last.values()
    )
