"""What must hold in every state of the world, and when two states count as the same."""

from collections import Counter

from app.domain.attempts import Attempt
from app.domain.head import Status
from app.domain.health import SILENT_AFTER_MS
from app.domain.kinds import Cause, Kind
from tests.domain.world_state import State, failed

FAR_MS = 3_600_000  # longer than any wait
OLD_MS = 3 * SILENT_AFTER_MS  # the age from which a copy of a critical email is not watched any more, as explored
ENDED = (Status.BOUNCED, Status.SUPPRESSED, Status.FAILED, Status.CANCELED, Status.EXPIRED)


def final(s: State) -> bool:
    """Whether nothing is left to do, and nothing is known that should have been acted on."""
    for recipient in s.head.recipients.values():
        if recipient.status in (Status.QUEUED, Status.SENDING):
            return False
        if recipient.status is Status.SENT and failed(s, recipient.attempt, recipient.key):
            return False
    return s.head.lease_until_ms is None


def lies(s: State, *, at_rest: bool) -> bool:
    """Whether a status says what is not so. Failures are checked only `at_rest`, when nothing more will be written."""
    for key, recipient in s.head.recipients.items():
        if recipient.status in (Status.SENT, Status.DELIVERED) and (recipient.attempt, key) not in s.copies:
            return True
        if at_rest and recipient.status in ENDED:
            proofs = [Kind.DELIVERED]
            if recipient.status not in (Status.BOUNCED, Status.SUPPRESSED):
                proofs.append(Kind.ACCEPTED)
            if any(t.key == key and t.kind in proofs and not failed(s, t.attempt, key) for t in s.known):
                return True
        if at_rest and recipient.status in (Status.FAILED, Status.EXPIRED, Status.CANCELED):
            may_have_it = any(who == key and not failed(s, attempt, key) for attempt, who in s.copies)
            if may_have_it and recipient.cause is not Cause.UNKNOWN:
                return True
    return False


def waits(s: State) -> bool:
    """Whether a recipient waits for time to pass."""
    return any(recipient.wait_until_ms is not None for recipient in s.head.recipients.values())


def identity(s: State, *, versioned: bool) -> object:
    """The identity of a state. States with the same one behave alike: times count from now, addresses do not count."""
    head = s.head
    live = {worker.number for worker in s.workers}
    recipients = []
    for key, r in head.recipients.items():
        copies = frozenset(attempt for attempt, who in s.copies if who == key)
        reports = frozenset((t.attempt, t.kind, t in s.reports, t in s.passed) for t in s.known if t.key == key)
        carried = tuple(attempt.number for attempt in head.attempts if key in attempt.recipients)
        tried, evidence = frozenset(r.tried.items()), frozenset(r.evidence.items())
        waits = _left(r.wait_until_ms, s.now_ms), _left(r.round_ends_at_ms, s.now_ms)
        is_unsure = r.cause is Cause.UNKNOWN and r.status in ENDED
        recipients.append((r.status, waits, r.attempt, r.round, tried, evidence, copies, reports, carried, is_unsure))
    return (
        head.next_attempt,
        head.lease_attempt,
        _left(head.lease_until_ms, s.now_ms),
        _left(head.retry_until_ms, s.now_ms),
        _left(head.expires_at_ms, s.now_ms),
        _left(s.limit_ms, s.now_ms),
        head.limited_since_ms and min(s.now_ms - head.limited_since_ms, FAR_MS),
        _left(s.due_ms, s.now_ms),
        tuple(_identity_of(attempt, s) for attempt in head.attempts),
        head.to_repeat,
        head.stopped,
        frozenset(Counter(recipients).items()),
        tuple(sorted(s.bag)),
        tuple((w.pc, w.number, w.outcome and w.outcome.kind, None if versioned else w.read.version) for w in s.workers),
        frozenset(number for number in s.calls if number >= head.next_attempt),
        s.uncertain & ({attempt for attempt, _ in s.copies} | live),
        s.faults,
        s.cancel,
        s.canceled,
        s.prompt,
        s.silent,
        s.limited,
        head.critical,
        head.on_uncertain,
        s.retries,
        s.passed_calls,
        s.move_to_ms is None,
        head.send_at_ms,
    )


def _identity_of(attempt: Attempt, s: State) -> object:
    """What of an attempt still matters: the answers that a later round depends on, and its age if that does."""
    outcome = attempt.outcome if attempt.outcome in (None, Kind.UNCERTAIN, Kind.UNAVAILABLE) else "known"
    is_dated = s.head.critical or s.head.to_repeat == attempt.number
    age_ms = min(s.now_ms - attempt.started_at_ms, OLD_MS) if is_dated else None
    return attempt.provider, attempt.repeats, outcome, age_ms


def _left(moment_ms: int | None, now_ms: int) -> int | None:
    """How long it is until then. Everything that is longer than any wait counts as equally far."""
    return None if moment_ms is None else min(max(moment_ms - now_ms, 0), FAR_MS)
