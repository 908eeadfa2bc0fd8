"""The delivery protocol over the real rules: every atomic step that may come next, and what each of them breaks.

One email, its workers, its messages, a provider that takes mail or does not and reports about it or does not. A write
that is conditional on the version is one step: a lost race is the same step later, over what is then read.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from app.domain.email import Mailbox, OnUncertain, Role
from app.domain.event import ProviderEvent
from app.domain.head import Head, Recipient, Status, due_at_ms, ready
from app.domain.kinds import Cause, EventKind, Kind
from app.domain.outcome import Outcome
from app.domain.protocol import DeliveryProtocol

LEASE_MS = 20_000
EVIDENCE_MS = 30_000
PROVIDERS = ("a", "b")
FAILURES = (Kind.SOFT_BOUNCE, Kind.BLOCKED, Kind.DROPPED, Kind.HARD_BOUNCE, Kind.SUPPRESSED)
AT_FAULT = (Kind.HARD_BOUNCE, Kind.SUPPRESSED, Kind.UNDELIVERABLE)

# What a call may come to, and whether the provider took the email.
ANSWERS: tuple[tuple[Outcome, bool], ...] = (
    (Outcome(Kind.ACCEPTED, message_id="m"), True),
    (Outcome(Kind.UNAVAILABLE, Cause.OUTAGE), False),
    (Outcome(Kind.REFUSED, Cause.MESSAGE), False),
    (Outcome(Kind.UNDELIVERABLE, Cause.RECIPIENT), False),
    (Outcome(Kind.UNCERTAIN, Cause.OUTAGE), True),
    (Outcome(Kind.UNCERTAIN, Cause.OUTAGE), False),
)


class Told(NamedTuple):
    """Something that somebody said of one copy: a webhook, or a worker that came to write its outcome."""

    attempt: int
    key: str
    kind: Kind


class Worker(NamedTuple):
    pc: str  # claim (has read the head), call, write
    number: int
    read: Head
    outcome: Outcome | None = None


class Setup(NamedTuple):
    """What is explored. `prompt`: a world without faults, in which neither clock nor sweep may be needed."""

    policy: OnUncertain = OnUncertain.WAIT
    people: int = 1
    faults: int = 1
    retry_for_ms: int = 40_000  # one further round
    lifetime_ms: int = 86_400_000
    cancel: bool = False
    prompt: bool = False


class State(NamedTuple):
    head: Head
    now_ms: int
    due_ms: int | None
    faults: int  # how many more may happen
    cancel: bool  # may still be asked for
    prompt: bool
    bag: tuple[int, ...] = ()  # messages under way: the attempt number
    workers: tuple[Worker, ...] = ()
    copies: frozenset[tuple[int, str]] = frozenset()  # attempt and recipient: the truth
    reports: frozenset[Told] = frozenset()  # webhooks that came
    known: frozenset[Told] = frozenset()  # reports, and outcomes that were written
    calls: frozenset[int] = frozenset()
    doubt: frozenset[int] = frozenset()  # attempts that were uncertain, or whose worker died or was late


class Step(NamedTuple):
    label: str
    kind: str  # step | fault | webhook (may never come) | client
    state: State
    broken: tuple[str, ...] = ()


class World:
    """The steps. The switches are mistakes that the product must not make."""

    def __init__(
        self,
        rules: DeliveryProtocol | None = None,
        *,
        kinds: tuple[EventKind, ...] = (Kind.DELIVERED, Kind.HARD_BOUNCE, Kind.SOFT_BOUNCE),
        reads_apart: bool = False,
        versioned: bool = True,
        guard_asks_who_is_queued: bool = False,
        late_outcome_is_refused: bool = False,
        sweep_clears_due: bool = False,
    ) -> None:
        self.protocol = rules or DeliveryProtocol(PROVIDERS, EVIDENCE_MS)
        self.kinds = kinds
        self.reads_apart = (
            reads_apart or not versioned
        )  # under a version, reading long before the claim is no different
        self.versioned = versioned
        self.guard_asks_who_is_queued = guard_asks_who_is_queued
        self.late_outcome_is_refused = late_outcome_is_refused
        self.sweep_clears_due = sweep_clears_due

    def start(self, setup: Setup) -> State:
        """The email right after it was accepted: written and published."""
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
            version=1,
        )
        return State(head, 0, due_at_ms(head, 0), setup.faults, setup.cancel, setup.prompt, bag=(1,))

    def steps(self, s: State) -> Iterator[Step]:
        """Every step that may come next."""
        yield from self._messages(s)
        for at, worker in enumerate(s.workers):
            yield from self._worker(s, s._replace(workers=s.workers[:at] + s.workers[at + 1 :]), worker)
        yield from self._webhooks(s)
        if s.cancel:
            yield from self._cancel(s._replace(cancel=False))
        if not s.prompt:
            yield from self._clock(s)

    # --- The queue and the workers -------------------------------------------------------------------------------

    def _expected(self, s: State, number: int) -> bool:
        """The guard of app.delivery.attempt."""
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
                for now, kind in ((gone, "step"), (_fault(s), "fault"))[: 2 if s.faults else 1]:  # it comes again
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
            dead = _fault(s0)._replace(doubt=s.doubt | {worker.number})
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
        settled = self.protocol.settle(read, s.now_ms)
        dispatch = self.protocol.next_dispatch(settled, s.now_ms)
        if dispatch is None:
            after, broken = _write(s0, settled) if settled != read else (s0, ())
            return Step(f"attempt {number}: nothing to send", kind, after, broken)
        claimed = self.protocol.claim(settled, dispatch, s.now_ms + LEASE_MS, s.now_ms)
        after, broken = _write(s0, claimed)
        others = [told for told in s.known if told.attempt != dispatch.repeats]  # what it repeats, the provider knows
        for key in dispatch.recipients:
            if any(_knows_of_a_copy(s, told) for told in others if told.key == key):
                broken += ("I2",)
            if any(told.kind in AT_FAULT for told in others if told.key == key):
                broken += ("I4",)
        caller = Worker("call", number, after.head)
        after = after._replace(workers=_with(after.workers, caller))
        return Step(f"attempt {number}: claims {dispatch}", kind, after, broken)

    def _call(self, s0: State, worker: Worker, outcome: Outcome, taken: bool) -> Step:
        number, copy = worker.number, worker.read.attempts[-1].original_number
        broken: tuple[str, ...] = ("I5",) if number in s0.calls else ()
        doubt = s0.doubt | ({copy} if outcome.kind is Kind.UNCERTAIN else frozenset())
        # A provider that knows the key of a repetition makes no second copy of what it has.
        keys = [key for key in worker.read.attempts[-1].recipients if taken and (copy, key) not in s0.copies]
        for attempt, key in s0.copies:
            if key in keys and not failed(s0, attempt, key):
                allowed_twice = s0.head.on_uncertain is not OnUncertain.FAIL and {attempt, copy} & doubt
                broken += () if allowed_twice else ("I2",)
        after = s0._replace(
            workers=_with(s0.workers, worker._replace(pc="write", outcome=outcome)),
            copies=s0.copies | {(copy, key) for key in keys},
            calls=s0.calls | {number},
            doubt=doubt,
        )
        return Step(f"attempt {number}: {outcome.kind}, {'taken' if taken else 'not taken'}", "step", after, broken)

    def _outcome(self, s0: State, worker: Worker) -> Iterator[Step]:
        assert worker.outcome is not None
        number, outcome = worker.number, worker.outcome
        s1 = s0
        attempt = worker.read.attempts[-1]
        keys = attempt.recipients
        # A shared call does not say whom; nor does one that is repeated, or a repetition, say it of the call.
        is_alone = len(keys) == 1 and not attempt.repeats and not s0.head.is_repeated(number)
        blames_one = outcome.kind is Kind.UNDELIVERABLE and is_alone
        if outcome.kind is Kind.ACCEPTED or blames_one:
            s1 = s0._replace(known=s0.known | {Told(attempt.original_number, key, outcome.kind) for key in keys})
        if self.late_outcome_is_refused and s0.head.lease_attempt != number:
            yield Step(f"outcome of {number} comes late, refused", "step", s1)
            return
        after, broken = _write(s1, self.protocol.record_outcome(s0.head, number, outcome, 0, s0.now_ms))
        yield from _announced(f"outcome of {number}: {outcome.kind}", "step", after, broken)

    # --- Webhooks, the client, time ------------------------------------------------------------------------------

    def _webhooks(self, s: State) -> Iterator[Step]:
        for attempt, key in sorted(s.copies):
            more = any((told.attempt, told.key) == (attempt, key) for told in s.reports)
            for kind in self.kinds:
                told = Told(attempt, key, kind)
                if told in s.reports or (more and not s.faults):
                    continue
                before = _fault(s) if more else s
                before = before._replace(reports=s.reports | {told}, known=s.known | {told})
                yield from self._event(before, told, "fault" if more else "webhook")

    def _event(self, s: State, told: Told, kind: str) -> Iterator[Step]:
        head = self.protocol.record_event(s.head, self.event(s, told), s.now_ms)
        label = f"webhook {told.kind} of {told.attempt} for {told.key}"
        after, broken = _write(s, head) if head is not s.head else (s, ())
        if head is not s.head:
            was, timed, new = (h.recipients[told.key] for h in (s.head, self.protocol.settle(s.head, s.now_ms), head))
            taken_away = new.status in (Status.QUEUED, Status.FAILED, Status.EXPIRED)
            if taken_away and new.status not in (was.status, timed.status) and told.attempt != was.attempt:
                broken += ("I6",)
        yield from _announced(label, kind, after, broken)

    def event(self, s: State, told: Told) -> ProviderEvent:
        """The webhook's event, as often as it comes."""
        attempt = s.head.attempts[told.attempt - 1]
        return ProviderEvent(attempt.provider, told.kind, "eml_1", told.attempt, told.key, 0)  # type: ignore[arg-type] # because reports are of kinds of event

    def repeated(self, s: State) -> Iterator[Told]:
        """Reports that would change the head if they came again now: there must be none."""
        for told in s.reports:
            if self.protocol.record_event(s.head, self.event(s, told), s.now_ms) is not s.head:
                yield told

    def _cancel(self, s: State) -> Iterator[Step]:
        canceled = self.protocol.cancel(s.head)
        if canceled is not s.head:
            yield Step("cancel", "client", *_write(s, canceled))

    def _clock(self, s: State) -> Iterator[Step]:
        """Time passes until the next moment at which something may change; and the sweep looks."""
        waits = (recipient.wait_until_ms for recipient in s.head.recipients.values())
        nudge = None if s.head.next_attempt in s.bag else s.due_ms
        moments = (nudge, s.head.lease_until_ms, s.head.retry_until_ms, s.head.expires_at_ms, *waits)
        until = min((moment for moment in moments if moment is not None and moment > s.now_ms), default=None)
        if until is not None:
            later = s._replace(now_ms=until)
            held = s.head.lease_attempt
            if s.head.leased(s.now_ms) and not s.head.leased(until) and any(_holds(w, held) for w in s.workers):
                if s.faults:
                    late = _fault(later)._replace(doubt=s.doubt | {held})
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
    """Every write of the head passes here. Messages whose number is spent would be dropped: they go at once."""
    old, new = s.head.recipients, head.recipients
    after_delivered = (Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED)
    lost = any(old[key].status is Status.DELIVERED and new[key].status not in after_delivered for key in new)
    bag = tuple(number for number in s.bag if number >= head.next_attempt)
    written = replace(head, version=s.head.version + 1)
    return s._replace(head=written, due_ms=due_at_ms(head, s.now_ms), bag=bag), ("I7",) if lost else ()


def _publish(s: State) -> State:
    """What app.delivery.rewrite.announce does."""
    number = s.head.next_attempt
    return s._replace(bag=(*s.bag, number)) if ready(s.head, s.now_ms) and number not in s.bag else s


def _announced(label: str, kind: str, s: State, broken: tuple[str, ...]) -> Iterator[Step]:
    """A write, then its publish; or a crash in between."""
    published = _publish(s)
    yield Step(label, kind, published, broken)
    if s.faults and published != s:
        yield Step(f"{label}, crash before the publish", "fault", _fault(s), broken)


def failed(s: State, attempt: int, key: str) -> bool:
    """Has the provider reported this copy as failed?"""
    return any((told.attempt, told.key) == (attempt, key) and told.kind in FAILURES for told in s.reports)


def _knows_of_a_copy(s: State, told: Told) -> bool:
    return told.kind in (Kind.ACCEPTED, Kind.DELIVERED) and not failed(s, told.attempt, told.key)
