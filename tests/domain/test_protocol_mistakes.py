"""The explorer can fail: each mistake that the protocol's rules forbid breaks the invariant that names it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import product

import pytest

from app.domain import limits, resolution, retry, rounds, states, unknown_calls
from app.domain.attempts import Attempt
from app.domain.dispatch import Dispatch, DispatchContext
from app.domain.due import ready
from app.domain.email import OnUncertain
from app.domain.head import Head, Recipient, Status
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.domain.protocol import DeliveryProtocol
from app.domain.repeat import SAFETY_MARGIN_MS
from app.domain.resolution import Signal, next_status
from app.domain.retry_context import RetryContext
from app.domain.route import Availability, Candidate
from app.domain.states import TABLE, Phase, Row, Transition
from tests.domain import world as world_module
from tests.domain.explorer import explore
from tests.domain.world import EVIDENCE_MS, PROVIDERS, World
from tests.domain.world_state import Setup

pytestmark = pytest.mark.no_cover  # traced, it takes three times as long

BAD = (Kind.SOFT_BOUNCE, Kind.BLOCKED, Kind.DROPPED)
FAULT = (Kind.HARD_BOUNCE, Kind.MAILBOX_CONDITION, Kind.SUPPRESSED, Kind.UNDELIVERABLE)
UNDER_WAY = (Phase.SENDING, Phase.AWAITING_EVIDENCE, Phase.SENT)

Make = Callable[[pytest.MonkeyPatch], World]


def _rows(
    monkeypatch: pytest.MonkeyPatch,
    phases: Iterable[Phase],
    kinds: Iterable[Kind],
    current: Iterable[bool],
    transition: Transition,
) -> World:
    for row in product(phases, kinds, current):
        monkeypatch.setitem(TABLE, row, Row(transition))
    return World()


class SendsAgain(DeliveryProtocol):
    """Treats an ended lease as a call that was never made."""

    def settle(self, head: Head, now_ms: int, context: DispatchContext | None = None) -> Head:
        if head.lease_until_ms is not None and now_ms >= head.lease_until_ms:
            again = {
                key: next_status(r) if r.status is Status.SENDING and r.wait_until_ms is None else r
                for key, r in head.recipients.items()
            }
            head = replace(head, recipients=again, lease_attempt=0, lease_until_ms=None)
        return super().settle(head, now_ms, context)


class Overwrites(DeliveryProtocol):
    """Writes its outcome as if nobody had written since the claim; `late` only: when it has lost its lease."""

    def __init__(self, *, late: bool) -> None:
        super().__init__(PROVIDERS, EVIDENCE_MS)
        self.late = late

    def record_outcome(self, head: Head, number: int, outcome: Outcome, duration_ms: int, now_ms: int) -> Head:
        if (head.lease_attempt != number) is self.late:
            blank = {
                key: replace(
                    head.recipients[key], status=Status.SENDING, attempt=number, wait_until_ms=None, evidence={}
                )
                for key in head.attempts[number - 1].recipients
            }
            head = replace(head, recipients={**head.recipients, **blank})
        return super().record_outcome(head, number, outcome, duration_ms, now_ms)


class PlansOnce(DeliveryProtocol):
    """Judges the age of an idempotency key when a repetition is planned, and never again."""

    def settle(self, head: Head, now_ms: int, context: DispatchContext | None = None) -> Head:
        planned_ms = head.attempts[head.to_repeat - 1].started_at_ms if head.to_repeat else now_ms
        return super().settle(head, planned_ms, context)


class ForgetsCancellations(DeliveryProtocol):
    """Cancels who is queued, and remembers nothing of it."""

    def cancel(self, head: Head) -> Head:
        canceled = super().cancel(head)
        return canceled if canceled is head else replace(canceled, stopped=None)


class ForgetsRepetitions(DeliveryProtocol):
    """Takes the late outcome of a call for its last word, although the call was repeated meanwhile."""

    def record_outcome(self, head: Head, number: int, outcome: Outcome, duration_ms: int, now_ms: int) -> Head:
        forgetful = tuple(replace(a, repeats=0) if a.repeats == number else a for a in head.attempts)
        after = super().record_outcome(replace(head, attempts=forgetful), number, outcome, duration_ms, now_ms)
        return replace(after, attempts=(*after.attempts[:number], *head.attempts[number:]))


class CountsLate(DeliveryProtocol):
    """Uses a number up when its call is over, not when it is claimed."""

    def claim(self, head: Head, dispatch: Dispatch, lease_until_ms: int, now_ms: int) -> Head:
        return replace(super().claim(head, dispatch, lease_until_ms, now_ms), next_attempt=head.next_attempt)

    def record_outcome(self, head: Head, number: int, outcome: Outcome, duration_ms: int, now_ms: int) -> Head:
        recorded = super().record_outcome(head, number, outcome, duration_ms, now_ms)
        queued = any(recipient.status is Status.QUEUED for recipient in recorded.recipients.values())
        return replace(recorded, next_attempt=number + 1) if queued else recorded


def ended_lease_sends_again(_: pytest.MonkeyPatch) -> World:
    return World(SendsAgain(PROVIDERS, EVIDENCE_MS))


def guard_asks_who_is_queued(_: pytest.MonkeyPatch) -> World:
    return World(guard_asks_who_is_queued=True)


def ended_lease_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> World:
    def blind(head: Head, now_ms: int) -> bool:
        return not head.leased(now_ms) and any(
            r.wait_until_ms <= now_ms if r.wait_until_ms is not None else r.status is Status.QUEUED
            for r in head.recipients.values()
        )

    monkeypatch.setattr(world_module, "ready", blind)
    return World()


def claim_without_version(_: pytest.MonkeyPatch) -> World:
    return World(versioned=False)


def blind_outcome(_: pytest.MonkeyPatch) -> World:
    return World(Overwrites(late=False))


def late_outcome_overwrites(_: pytest.MonkeyPatch) -> World:
    return World(Overwrites(late=True))


def late_outcome_is_refused(_: pytest.MonkeyPatch) -> World:
    return World(late_outcome_is_refused=True)


def early_failure_stays(monkeypatch: pytest.MonkeyPatch) -> World:
    return _rows(monkeypatch, (Phase.SENDING, Phase.AWAITING_EVIDENCE), BAD, (True,), Transition.STAY)


def early_dead_stays(monkeypatch: pytest.MonkeyPatch) -> World:
    return _rows(monkeypatch, (Phase.QUEUED, Phase.WAITING), FAULT, (True, False), Transition.STAY)


def older_failure_retries(monkeypatch: pytest.MonkeyPatch) -> World:
    return _rows(monkeypatch, UNDER_WAY, BAD, (False,), Transition.RETRY)


def older_dead_is_history(monkeypatch: pytest.MonkeyPatch) -> World:
    keep = resolution._keep_evidence

    def forget(recipient: Recipient, signal: Signal) -> Recipient:
        history = signal.kind in FAULT and signal.attempt != recipient.attempt
        return recipient if history else keep(recipient, signal)

    monkeypatch.setattr(resolution, "_keep_evidence", forget)
    return World()


def good_news_stays(monkeypatch: pytest.MonkeyPatch) -> World:
    phases = (Phase.FAILED, Phase.BOUNCED, Phase.SUPPRESSED)
    return _rows(monkeypatch, phases, (Kind.DELIVERED,), (True, False), Transition.STAY)


def evidence_of_the_latest_only(monkeypatch: pytest.MonkeyPatch) -> World:
    keep = resolution._keep_evidence

    def latest(recipient: Recipient, signal: Signal) -> Recipient:
        if signal.attempt != recipient.attempt:
            return recipient
        kept = keep(recipient, signal)
        return replace(kept, evidence={n: evidence for n, evidence in kept.evidence.items() if n == signal.attempt})

    monkeypatch.setattr(resolution, "_keep_evidence", latest)
    return World()


def delivered_goes_back_to_the_queue(monkeypatch: pytest.MonkeyPatch) -> World:
    return _rows(monkeypatch, (Phase.DELIVERED,), (Kind.SOFT_BOUNCE,), (True,), Transition.RETRY)


def bounce_is_never_ignored(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.delitem(states.IGNORED_IF_KNOWN, (Transition.RETURNED, Kind.SOFT_BOUNCE))
    return World()


def publish_looks_at_one_step_only(monkeypatch: pytest.MonkeyPatch) -> World:
    def of_the_last_attempt(head: Head, now_ms: int) -> bool:
        return ready(head, now_ms) and (not head.attempts or head.attempts[-1].outcome is not Kind.ACCEPTED)

    monkeypatch.setattr(world_module, "ready", of_the_last_attempt)
    return World()


def number_is_used_up_by_the_outcome(_: pytest.MonkeyPatch) -> World:
    return World(CountsLate(PROVIDERS, EVIDENCE_MS), versioned=False)


def repetition_is_the_last_word(monkeypatch: pytest.MonkeyPatch) -> World:
    def from_outcome(attempt: Attempt, outcome: Outcome, _: str) -> Signal:
        return Signal(attempt.original_number, attempt.provider, outcome.signal_kind)

    monkeypatch.setattr(Signal, "from_outcome", from_outcome)
    return World(DeliveryProtocol(PROVIDERS, EVIDENCE_MS, KEYS_KNOWN))


def late_outcome_of_a_repeated_call_counts(_: pytest.MonkeyPatch) -> World:
    return World(ForgetsRepetitions(PROVIDERS, EVIDENCE_MS, KEYS_KNOWN))


def key_of_any_age_is_relied_on(_: pytest.MonkeyPatch) -> World:
    return World(PlansOnce(PROVIDERS, EVIDENCE_MS, {"a": SAFETY_MARGIN_MS + 45_000}))


def cancellation_is_forgotten(_: pytest.MonkeyPatch) -> World:
    return World(ForgetsCancellations(PROVIDERS, EVIDENCE_MS), kinds=(Kind.ACCEPTED, Kind.SOFT_BOUNCE))


def unknown_calls_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(rounds, "AT_MOST", dict.fromkeys(OnUncertain, 9))
    return World()


def uncertain_is_the_last_word_of_a_provider(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(unknown_calls, "providers_of_unknown_calls", lambda *_: frozenset())
    return World()


def late_outage_is_no_outage(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(unknown_calls, "late_transient_failures", lambda *_: frozenset())
    return World()


def rescue_is_for_everybody(monkeypatch: pytest.MonkeyPatch) -> World:
    """Also where the email says that it must never be sent twice."""
    may_rescue = rounds._rescue_recipient

    def always(head: Head, recipient: Recipient, context: RetryContext) -> Recipient:
        return may_rescue(replace(head, on_uncertain=OnUncertain.WAIT), recipient, context)

    monkeypatch.setattr(rounds, "_rescue_recipient", always)
    return World()


def limit_runs_against_the_retry_deadline(monkeypatch: pytest.MonkeyPatch) -> World:
    waited_for = limits.waited_for

    def until_the_deadline(recipient: Recipient, context: RetryContext) -> list[Candidate]:
        return waited_for(recipient, context) if context.now_ms < context.retry_until_ms else []

    monkeypatch.setattr(limits, "waited_for", until_the_deadline)
    monkeypatch.setattr(limits, "put_off", lambda head, _: head)
    return World()


def last_round_lifts_limits(monkeypatch: pytest.MonkeyPatch) -> World:
    def everybody(context: RetryContext) -> tuple[str, ...]:
        late = context.now_ms >= context.retry_until_ms
        paused = (Availability.PAUSED,) if late else ()
        return context.dispatch_context.providers(Availability.AVAILABLE, *paused)

    monkeypatch.setattr(RetryContext, "available_providers", property(everybody))
    return World()


def schedule_is_only_a_wait_for_a_round(monkeypatch: pytest.MonkeyPatch) -> World:
    def early(recipient: Recipient, context: RetryContext) -> Recipient:
        is_scheduled = recipient.status is Status.SCHEDULED
        return replace(recipient, status=Status.QUEUED, wait_until_ms=None) if is_scheduled else end(recipient, context)

    end = rounds._end_wait
    monkeypatch.setattr(rounds, "_end_wait", early)
    return World()


def retry_allows_every_second_copy(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(retry, "NO_SECOND_COPY", "")
    return World()


def old_report_ends_a_retry(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(resolution, "_is_passed", lambda *_: False)
    return World()


def retry_forgets_what_may_have_arrived(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(rounds, "unknown_calls", unknown_calls.counted_calls)
    return World()


def sweep_clears_due(_: pytest.MonkeyPatch) -> World:
    return World(sweep_clears_due=True)


KEYS_KNOWN = {"a": 86_400_000}
WAIT, FAILOVER = Setup(retry_for_ms=0), Setup(OnUncertain.FAILOVER)
CANCELED = Setup(OnUncertain.FAILOVER, retry_for_ms=0, cancel=True)
RESCUED = Setup(OnUncertain.FAIL, faults=0, retry_for_ms=0, critical=True, silent=("a",))
LIMITED = Setup(faults=0, retry_for_ms=20_000, limited=("a", "b"), limit_ms=200_000)
FAIL, PROMPT = Setup(OnUncertain.FAIL, retry_for_ms=0), Setup(faults=0, prompt=True)

SCHEDULED = Setup(retry_for_ms=0, send_at_ms=50_000)
RETRIED = Setup(faults=0, retry_for_ms=0, retries=1)

# The rule of the protocol that is broken, the room in which that shows, and the invariant that breaks.
MISTAKES: list[tuple[str, Make, Setup, str]] = [
    ("2", claim_without_version, WAIT, "I7"),
    ("3", number_is_used_up_by_the_outcome, WAIT, "I5"),
    ("4", ended_lease_sends_again, FAIL, "I2"),
    ("4", guard_asks_who_is_queued, WAIT, "I1"),
    ("5", blind_outcome, WAIT, "I7"),
    ("6", late_outcome_is_refused, FAILOVER, "I3"),
    ("6", late_outcome_overwrites, FAILOVER, "I3"),
    ("7", early_failure_stays, WAIT, "I1"),
    ("7", early_dead_stays, WAIT, "I4"),
    ("12", publish_looks_at_one_step_only, PROMPT, "P"),
    ("8", older_failure_retries, FAILOVER, "I6"),
    ("9", older_dead_is_history, FAILOVER, "I4"),
    ("10", good_news_stays, WAIT, "I3"),
    ("11", evidence_of_the_latest_only, FAILOVER, "I2"),
    ("13", ended_lease_is_not_ready, WAIT, "I1"),
    ("13", sweep_clears_due, WAIT, "I1"),
    ("never leave delivered", delivered_goes_back_to_the_queue, WAIT, "I7"),
    ("repeat", repetition_is_the_last_word, FAIL, "I3"),
    ("repeat", late_outcome_of_a_repeated_call_counts, FAIL, "I3"),
    ("a canceled email stays canceled", cancellation_is_forgotten, CANCELED, "C"),
    ("the key's age", key_of_any_age_is_relied_on, WAIT, "K"),
    ("unknown calls", unknown_calls_are_not_counted, Setup(faults=0), "N"),
    ("unknown calls", unknown_calls_are_not_counted, FAIL, "I2"),
    ("a later round", uncertain_is_the_last_word_of_a_provider, Setup(faults=0), "G"),
    ("a later round", late_outage_is_no_outage, FAILOVER, "G"),
    ("limits", limit_runs_against_the_retry_deadline, LIMITED, "L"),
    ("limits", last_round_lifts_limits, LIMITED, "L"),
    ("no rescue under fail", rescue_is_for_everybody, RESCUED, "I2"),
    ("a schedule", schedule_is_only_a_wait_for_a_round, SCHEDULED, "S"),
    ("a retry", retry_allows_every_second_copy, Setup(OnUncertain.FAIL, faults=0, retry_for_ms=0, retries=1), "I2"),
    ("a retry", old_report_ends_a_retry, RETRIED, "again"),
    ("a retry", retry_forgets_what_may_have_arrived, RETRIED, "I3"),
    ("fold twice", bounce_is_never_ignored, FAILOVER, "again"),
]


# Found after seconds of exploring each: tried in the gate only.
LATE = {
    early_failure_stays,
    older_dead_is_history,
    good_news_stays,
    evidence_of_the_latest_only,
    ended_lease_is_not_ready,
    sweep_clears_due,
    bounce_is_never_ignored,
    late_outcome_is_refused,
    late_outcome_of_a_repeated_call_counts,
    late_outage_is_no_outage,
    retry_forgets_what_may_have_arrived,
}


@pytest.mark.parametrize(
    ("make", "room", "invariant"),
    [
        pytest.param(*m[1:], id=f"{m[0]} {m[1].__name__}", marks=[pytest.mark.full] if m[1] in LATE else [])
        for m in MISTAKES
    ],
)
def test_a_mistake_breaks_its_invariant(
    monkeypatch: pytest.MonkeyPatch, make: Make, room: Setup, invariant: str
) -> None:
    found = explore(make(monkeypatch), [room], limit=30_000, until=invariant)
    assert invariant in found.traces
