"""A model of one email under the real delivery protocol: every atomic step that may come next, and what it breaks.

The model holds the email, its workers, its messages, and a provider that may take the email and may report on it. A
read and the write that is conditional on it are one step: a worker that loses a race makes the same step later.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

from app.domain.dispatch import DispatchContext
from app.domain.due import entry_ms, ready
from app.domain.email import Mailbox, OnUncertain, Role
from app.domain.event import ProviderEvent
from app.domain.head import Head, Recipient, Status
from app.domain.kinds import Cause, EventKind, Kind
from app.domain.lifetime import scheduled
from app.domain.outcome import Outcome
from app.domain.protocol import DeliveryProtocol
from app.domain.repeat import SAFETY_MARGIN_MS
from app.domain.retry import REFUSALS, Again
from app.domain.route import Availability, Candidate
from app.errors import Conflict, Invalid
from tests.domain.claims import claimed_wrongly, given_up_early, given_up_for_a_limit
from tests.domain.world_state import (
    Report,
    Setup,
    State,
    Step,
    Worker,
    calls_of_unknown_outcome,
    failed,
    is_limited,
    is_silent,
)

LEASE_MS = 20_000
EVIDENCE_MS = 30_000
RETRY_FOR_S = 0  # of what the client asks for
PROVIDERS = ("a", "b")

# The outcomes that a call may have, and whether the provider took the email.
ANSWERS: tuple[tuple[Outcome, bool], ...] = (
    (Outcome(Kind.ACCEPTED, message_id="m"), True),
    (Outcome(Kind.UNAVAILABLE, Cause.OUTAGE), False),
    (Outcome(Kind.REFUSED, Cause.MESSAGE), False),
    (Outcome(Kind.UNDELIVERABLE, Cause.RECIPIENT), False),
    (Outcome(Kind.UNCERTAIN, Cause.OUTAGE), True),
    (Outcome(Kind.UNCERTAIN, Cause.OUTAGE), False),
)


class World:
    """Makes the steps.

    `kinds` are the events that may be reported. `reads_apart`: other steps may come between a worker's read and its
    claim. Without `versioned`, or with one of the last three switches, the world has a mistake that the product must
    not make.
    """

    def __init__(
        self,
        protocol: DeliveryProtocol | None = None,
        *,
        kinds: tuple[EventKind, ...] = (Kind.DELIVERED, Kind.HARD_BOUNCE, Kind.SOFT_BOUNCE),
        reads_apart: bool = False,
        versioned: bool = True,
        guard_asks_who_is_queued: bool = False,
        late_outcome_is_refused: bool = False,
        sweep_clears_due: bool = False,
    ) -> None:
        self.protocol = protocol or DeliveryProtocol(PROVIDERS, EVIDENCE_MS)
        self.kinds = kinds
        # With versions it makes no difference how long before its claim a worker reads.
        self.reads_apart = reads_apart or not versioned
        self.versioned = versioned
        self.guard_asks_who_is_queued = guard_asks_who_is_queued
        self.late_outcome_is_refused = late_outcome_is_refused
        self.sweep_clears_due = sweep_clears_due

    def start(self, setup: Setup) -> State:
        """The state right after the email was accepted: it is written and published."""
        keys = [f"r{n + 1}@example.net" for n in range(setup.people)]
        head = Head(
            email_id="eml_1",
            fingerprint="f",
            sender=Mailbox("no-reply@example.com"),
            subject="Reset",
            recipients={key: Recipient(key, Role.TO) for key in keys},
            created_at_ms=0,
            expires_at_ms=setup.lifetime_ms,
            retry_until_ms=setup.retry_for_ms,
            ttl_s=0,
            on_uncertain=setup.policy,
            critical=setup.critical,
            version=1,
        )
        if setup.send_at_ms:
            head = scheduled(head, setup.send_at_ms, 0, setup.lifetime_ms, setup.retry_for_ms // 1000)
        silent = frozenset(setup.silent)
        head = replace(head, due_entry_ms=entry_ms(head, 0))
        start = State(head, 0, head.due_entry_ms, setup.faults, setup.cancel, setup.prompt, silent, bag=(1,))
        return start._replace(
            limited=frozenset(setup.limited), limit_ms=setup.limit_ms, passes_lists=setup.passes_lists
        )._replace(move_to_ms=setup.move_to_ms, retries=setup.retries)

    def context(self, s: State) -> DispatchContext:
        """What an attempt reads before its claim. A webhook and an outcome are written without it."""
        passes_lists = frozenset(s.head.recipients if s.passes_lists else ())
        everybody = DispatchContext.all_available(self.protocol.providers)
        context = replace(everybody, silent=s.silent, passes_lists=passes_lists)
        for name in filter(partial(is_limited, s), self.protocol.providers):
            context = context.changed(Candidate(name, Availability.PAUSED, "waits for its cap", s.limit_ms))
        return context

    def steps(self, s: State) -> Iterator[Step]:
        """Every step that may come next."""
        yield from self._messages(s)
        for at, worker in enumerate(s.workers):
            yield from self._worker(s, s._replace(workers=s.workers[:at] + s.workers[at + 1 :]), worker)
        yield from self._webhooks(s)
        if s.cancel:
            yield from self._cancel(s._replace(cancel=False))
        yield from self._asked(s)
        if not s.prompt:
            yield from self._clock(s)

    # --- The queue and the workers -------------------------------------------------------------------------------

    def _expected(self, s: State, number: int) -> bool:
        """Whether attempt `number` is expected next, as app.delivery.attempt decides it."""
        if self.guard_asks_who_is_queued and not any(r.status is Status.QUEUED for r in s.head.recipients.values()):
            return False
        return s.head.next_attempt == number and not s.head.leased(s.now_ms)

    def _messages(self, s: State) -> Iterator[Step]:
        for number in dict.fromkeys(s.bag):
            at = s.bag.index(number)
            gone = s._replace(bag=s.bag[:at] + s.bag[at + 1 :])
            if s.faults:
                yield Step(f"message {number} is dead-lettered", "fault", _fault(gone))
            if not self._expected(s, number):
                yield Step(f"message {number} is not expected, dropped", "step", gone)
            elif len(s.workers) < 2:
                worker = Worker("claim", number, s.head)
                # The fault is that the message stays in the queue and is delivered again.
                for now, kind in ((gone, "step"), (_fault(s), "fault"))[: 2 if s.faults else 1]:
                    if self.reads_apart:
                        read = now._replace(workers=_with(now.workers, worker))
                        yield Step(f"message {number} is read", kind, read)
                    else:
                        yield self._claim(s, now, worker, kind)

    def _worker(self, s: State, s0: State, worker: Worker) -> Iterator[Step]:
        if worker.pc == "claim":
            yield self._claim(s, s0, worker, "step")
            return
        if s.faults:
            dead = _fault(s0)._replace(uncertain=s.uncertain | {worker.number})
            yield Step(f"worker of {worker.number} dies before its {worker.pc}", "fault", dead)
        if worker.pc == "call":
            for outcome, taken in ANSWERS:
                if not (s.prompt and outcome.kind is Kind.UNCERTAIN):
                    yield self._call(s0, worker, outcome, taken)
        else:
            yield from self._outcome(s0, worker)

    def _claim(self, s: State, s0: State, worker: Worker, kind: str) -> Step:
        number = worker.number
        if not self._expected(s, number):
            return Step(f"claim of {number}: not expected any more", kind, s0)
        read = s.head if self.versioned else worker.read
        context = self.context(s)
        settled = self.protocol.settle(read, s.now_ms, context)
        dispatch = self.protocol.next_dispatch(settled, s.now_ms, context)
        if dispatch is None:
            after, broken = _write(s0, settled) if settled != read else (s0, ())
            return Step(f"attempt {number}: nothing to send", kind, after, broken)
        claimed = self.protocol.claim(settled, dispatch, s.now_ms + LEASE_MS, s.now_ms)
        after, broken = _write(s0, claimed)
        broken += claimed_wrongly(s, settled, dispatch, self.key_forgotten_ms(settled, dispatch.repeats))
        caller = Worker("call", number, after.head)
        after = after._replace(workers=_with(after.workers, caller))
        return Step(f"attempt {number}: claims {dispatch}", kind, after, broken)

    def _call(self, s0: State, worker: Worker, outcome: Outcome, taken: bool) -> Step:
        number, copy = worker.number, worker.read.attempts[-1].original_number
        broken: tuple[str, ...] = ("I5",) if number in s0.calls else ()
        uncertain = s0.uncertain | ({copy} if outcome.kind is Kind.UNCERTAIN else frozenset())
        # A provider that knows the idempotency key of a repetition makes no second copy.
        keys = [key for key in worker.read.attempts[-1].recipients if taken and (copy, key) not in s0.copies]
        for attempt, key in s0.copies:
            if key in keys and not failed(s0, attempt, key):
                is_unknown = {attempt, copy} & uncertain or is_silent(s0, attempt)
                allowed_twice = s0.head.on_uncertain is not OnUncertain.FAIL and is_unknown
                broken += () if allowed_twice else ("I2",)
        after = s0._replace(
            workers=_with(s0.workers, worker._replace(pc="write", outcome=outcome)),
            copies=s0.copies | {(copy, key) for key in keys},
            calls=s0.calls | {number},
            uncertain=uncertain,
        )
        return Step(f"attempt {number}: {outcome.kind}, {'taken' if taken else 'not taken'}", "step", after, broken)

    def _outcome(self, s0: State, worker: Worker) -> Iterator[Step]:
        assert worker.outcome is not None
        number, outcome = worker.number, worker.outcome
        s1 = s0
        attempt = worker.read.attempts[-1]
        keys = attempt.recipients
        # `undeliverable` proves nothing if the call was for several recipients, is repeated, or is a repetition.
        is_alone = len(keys) == 1 and not attempt.repeats and not s0.head.is_repeated(number)
        blames_one = outcome.kind is Kind.UNDELIVERABLE and is_alone
        if outcome.kind is Kind.ACCEPTED or blames_one:
            s1 = s0._replace(known=s0.known | {Report(attempt.original_number, key, outcome.kind) for key in keys})
        if self.late_outcome_is_refused and s0.head.lease_attempt != number:
            yield Step(f"outcome of {number} comes late, refused", "step", s1)
            return
        after, broken = _write(s1, self.protocol.record_outcome(s0.head, number, outcome, 0, s0.now_ms))
        yield from _then_publish(f"outcome of {number}: {outcome.kind}", "step", after, broken)

    # --- Webhooks, the client, time ------------------------------------------------------------------------------

    def _webhooks(self, s: State) -> Iterator[Step]:
        for attempt, key in sorted(s.copies):
            more = any((report.attempt, report.key) == (attempt, key) for report in s.reports)
            for kind in self.kinds:
                report = Report(attempt, key, kind)
                if report in s.reports or (more and not s.faults):
                    continue
                before = _fault(s) if more else s
                before = before._replace(reports=s.reports | {report}, known=s.known | {report})
                yield from self._event(before, report, "fault" if more else "webhook")

    def _event(self, s: State, report: Report, kind: str) -> Iterator[Step]:
        head = self.protocol.record_event(s.head, self.event(s, report), s.now_ms)
        label = f"webhook {report.kind} of {report.attempt} for {report.key}"
        after, broken = _write(s, head) if head is not s.head else (s, ())
        if head is not s.head:
            timed_head = self.protocol.settle(s.head, s.now_ms)
            was, timed, new = (h.recipients[report.key] for h in (s.head, timed_head, head))
            without_copy = (Status.QUEUED, Status.FAILED, Status.EXPIRED)
            is_older = report.attempt not in (was.attempt, timed.attempt)
            # A virus ends whoever has no copy under way, as it is the same whoever sends.
            may_end = report.kind is Kind.VIRUS and new.status is Status.FAILED and timed.status in without_copy
            taken_away = new.status in without_copy and not may_end
            if taken_away and new.status not in (was.status, timed.status) and is_older:
                broken += ("I6",)
        yield from _then_publish(label, kind, after, broken)

    def event(self, s: State, report: Report) -> ProviderEvent:
        """The event of a report's webhook, the same however often it comes."""
        attempt = s.head.attempts[report.attempt - 1]
        return ProviderEvent(attempt.provider, report.kind, "eml_1", report.attempt, report.key, 0)  # type: ignore[arg-type] # because reports are of kinds of event

    def key_forgotten_ms(self, head: Head, number: int) -> int | None:
        """When the key of the call of attempt `number` is too old to be relied on. None: there is no such attempt."""
        if not number:
            return None
        attempt = head.attempts[number - 1]
        return attempt.started_at_ms + self.protocol._keys_known_for_ms.get(attempt.provider, 0) - SAFETY_MARGIN_MS

    def repeated(self, s: State) -> Iterator[Report]:
        """The reports that would change the head if they came again now. There must be none."""
        for report in s.reports:
            if self.protocol.record_event(s.head, self.event(s, report), s.now_ms) is not s.head:
                yield report

    def _cancel(self, s: State) -> Iterator[Step]:
        canceled = self.protocol.cancel(s.head)
        if canceled is not s.head:
            yield Step("cancel", "client", *_write(s._replace(canceled=True), canceled))

    def _asked(self, s: State) -> Iterator[Step]:
        """What the client may ask for: another time, or a retry of all who ended, with or without second copies."""
        with suppress(Conflict, Invalid):
            if s.move_to_ms is not None:
                moved = self.protocol.reschedule(s.head, s.move_to_ms, s.now_ms, RETRY_FOR_S)
                after, broken = _write(s._replace(move_to_ms=None), moved)
                yield from _then_publish("moved", "client", after, broken)
        ended = tuple(key for key, one in s.head.recipients.items() if not REFUSALS[one.status])
        for allows in (False, True) if s.retries and ended else ():
            with suppress(Conflict):
                again = Again(ended, allow_second_copy=allows)
                begun = self.protocol.retry(s.head, again, (), s.now_ms, RETRY_FOR_S)
                unknown = {(n, key) for key in ended for n in calls_of_unknown_outcome(s, s.head, key)}
                before = s._replace(retries=s.retries - 1, passed=s.known, passed_calls=s.passed_calls | unknown)
                after, broken = _write(before, begun)
                yield from _then_publish(f"retried, {allows}", "client", after, broken)

    def _clock(self, s: State) -> Iterator[Step]:
        """Let time pass until the next moment at which something may change, or let the sweep run."""
        waits = (recipient.wait_until_ms for recipient in s.head.recipients.values())
        republish_ms = None if s.head.next_attempt in s.bag else s.due_ms
        forgotten_ms = self.key_forgotten_ms(s.head, s.head.to_repeat)
        limits = (s.head.lease_until_ms, s.head.retry_until_ms, s.head.expires_at_ms, forgotten_ms)
        moments = (republish_ms, s.limit_ms, *limits, *waits)
        until = min((moment for moment in moments if moment is not None and moment > s.now_ms), default=None)
        if until is not None:
            later = s._replace(now_ms=until)
            held = s.head.lease_attempt
            if s.head.leased(s.now_ms) and not s.head.leased(until) and any(_holds(w, held) for w in s.workers):
                if s.faults:
                    late = _fault(later)._replace(uncertain=s.uncertain | {held})
                    yield Step(f"the lease of {held} ends, its worker is only slow", "fault", late)
            else:
                yield Step(f"time passes until {until}", "step", later)
        if s.due_ms is not None and s.due_ms <= s.now_ms:
            swept = s._replace(due_ms=None) if self.sweep_clears_due else s
            after = _publish(swept)
            if after != s:
                yield Step("sweep", "step", after)


def _holds(worker: Worker, attempt: int) -> bool:
    return worker.number == attempt and worker.pc != "claim"


def _with(workers: tuple[Worker, ...], worker: Worker) -> tuple[Worker, ...]:
    return tuple(sorted((*workers, worker), key=lambda w: (w.number, w.pc)))


def _fault(s: State) -> State:
    return s._replace(faults=s.faults - 1)


def _write(s: State, head: Head) -> tuple[State, tuple[str, ...]]:
    """The state after a write of the head. Messages whose number is used up would be dropped later: they go at once."""
    old, new = s.head.recipients, head.recipients
    after_delivered = (Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED)
    lost = any(old[key].status is Status.DELIVERED and new[key].status not in after_delivered for key in new)
    bag = tuple(number for number in s.bag if number >= head.next_attempt)
    written = replace(head, version=s.head.version + 1, due_entry_ms=entry_ms(head, s.now_ms))
    broken = (("I7",) if lost else ()) + (("G",) if given_up_early(s, head) else ())
    broken += ("L",) if given_up_for_a_limit(s, head) else ()
    return s._replace(head=written, due_ms=written.due_entry_ms, bag=bag), broken


def _publish(s: State) -> State:
    """The state after the next attempt was published, as app.delivery.rewrite.publish_if_ready does it."""
    number = s.head.next_attempt
    return s._replace(bag=(*s.bag, number)) if ready(s.head, s.now_ms) and number not in s.bag else s


def _then_publish(label: str, kind: str, s: State, broken: tuple[str, ...]) -> Iterator[Step]:
    """The step of a write and its publish, and the one of a crash between them."""
    published = _publish(s)
    yield Step(label, kind, published, broken)
    if s.faults and published != s:
        yield Step(f"{label}, crash before the publish", "fault", _fault(s), broken)
