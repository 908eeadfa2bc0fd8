"""A random run: a queue that loses, repeats and reorders messages, providers that answer as planned, processes that die
at any call; and what must hold for every email after every step."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.delivery.read_beside import at_once, in_order
from app.domain.caps import Caps
from app.domain.due import due_at_ms
from app.domain.event import ProviderEvent
from app.domain.head import Evidence, Head, Recipient, Status
from app.domain.health import pause
from app.domain.kinds import Kind
from app.domain.lane import Lane
from app.domain.outcome import Outcome
from app.domain.suppression import Reason, Suppression
from app.errors import Conflict, Invalid, ServiceUnavailable
from app.wiring.parts import build
from app.wiring.sandbox import with_sandbox
from tests.support.aws import Aws
from tests.support.cap_check import CapCheck
from tests.support.crash import Crash
from tests.support.faults import FaultInjector, FaultMode, FaultyStore, RecordingHeads
from tests.support.harness import Harness, forget_everything, receivers
from tests.support.proved import OPT_OUTS, PROVED
from tests.support.providers import webhook
from tests.support.publishing import each_in_its_lane
from tests.support.random_asks import Asks
from tests.support.random_calls import RECEIVED, Calls, DuringCall
from tests.support.random_requests import SHARDS, Requests

FaultPoint = tuple[int, FaultMode] | None  # which call fails and how; None: no call fails
STARTS_AT_S = 1_800_000_000.0
RETRY_FOR_S = 1200
FINAL = frozenset(Status) - {Status.SCHEDULED, Status.QUEUED, Status.SENDING, Status.SENT}
UNSENT = (Status.FAILED, Status.EXPIRED, Status.CANCELED)
ANSWERS = (ServiceUnavailable, Conflict, Invalid)  # what a client may be told instead of success


class RandomRun:
    """One run. Every public method is a step of it; an assertion that fails is a broken guarantee."""

    def __init__(self, aws: Aws) -> None:
        forget_everything()
        self.harness = Harness(aws, retry_for_s=RETRY_FOR_S)
        self.clock = self.harness.clock
        self.clock.now_s = STARTS_AT_S
        self.faults = FaultInjector()
        self.messages: list[tuple[str, int]] = []
        self.delayed: list[tuple[int, str, int]] = []  # messages that come later: when in ms, and what they ask for
        self.canceled: set[str] = set()  # emails whose cancellation was answered with success
        self.touched: set[str] = set()  # emails to check: written or reported on since the last check
        self.reported: dict[tuple[str, int, str], set[Kind]] = defaultdict(set)
        self.known: dict[tuple[str, int, str], set[Evidence]] = defaultdict(set)
        self.opted_out: dict[str, int] = {}  # addresses that want no more mail, and when that was last reported
        self.lifted: dict[str, int] = {}
        self.events: list[ProviderEvent] = []
        self.paused_since_s: dict[str, float] = {}
        self.seen: dict[tuple[str, str], Status] = {}
        self.idempotent: tuple[str, ...] = ()
        self.cap_check = CapCheck({})
        self.recorded: Counter[Kind] = Counter()  # webhooks that were answered with 200
        self.applied: Counter[Kind] = Counter()  # webhooks that changed a head
        self.asks, self.calls, self.requests = Asks(self), Calls(self), Requests(self)
        self.restart()

    def restart(self) -> None:
        """Start a new process. What the old one knew and had not written is lost."""
        harness, faults = self.harness, self.faults
        names = ("contents", "recipients", "events", "collapses", "keys", "suppressions", "healths", "places")
        stores: dict[str, Any] = {name: FaultyStore(getattr(harness.stores, name), faults) for name in names}
        stores["heads"] = FaultyStore(RecordingHeads(self.touched), faults)
        parts = build(
            replace(harness.settings, routing=replace(harness.routing, caps=self.cap_check.caps)),
            faults.wrap(self._publish),
            faults.wrap(self.calls.send),
            self.clock,
            stores=replace(harness.stores, **stores),
            publish_many=each_in_its_lane(faults.wrap(self._publish)),
            providers=receivers(harness.routing.providers, {}, self.idempotent),
            confirm=lambda _, url: harness.confirmed.append(url),
            publish_later=faults.wrap(self._publish_later),
            wait=self.clock.advance,
        )
        harness.monitor = parts.monitor
        harness.accept = replace(parts.accept, read_beside=at_once, side_by_side=in_order)
        harness.attempt = with_sandbox(
            parts.attempt, parts.record, stores["collapses"], stores["places"], faults.wrap(self.calls.send_in_sandbox)
        )
        harness.record, harness.cancel = parts.record, parts.cancel
        harness.reschedule, harness.retry = parts.reschedule, parts.retry

    # Steps

    def begin(self, idempotent: tuple[str, ...], caps: Mapping[str, Caps]) -> None:
        """Decide which providers promise to know an idempotency key for a day, and which have caps."""
        self.idempotent = idempotent
        self.cap_check = CapCheck(caps)
        self.restart()

    def deliver(
        self,
        at: int,
        outcome: Outcome,
        has_copy: bool,
        *,
        again: bool = False,
        during_call: DuringCall = None,
        point: FaultPoint = None,
    ) -> None:
        """Deliver a message to a worker, whose provider answers `outcome`. With `again` it stays in the queue."""
        come = [message for message in self.delayed if message[0] <= self.clock.now_ms]
        self.delayed = [message for message in self.delayed if message not in come]
        self.messages += [(email_id, number) for _, email_id, number in come]
        if not self.messages:
            return
        at %= len(self.messages)
        message = self.messages[at] if again else self.messages.pop(at)
        self.calls.outcome, self.calls.during_call = outcome, during_call
        self.calls.has_copy = outcome.kind is Kind.ACCEPTED or (outcome.kind is Kind.UNCERTAIN and has_copy)
        if not self.attempt_to(point, self.harness.attempt, *message):
            self.messages.append(message)  # the queue delivers it again

    def lose(self, at: int) -> None:
        """Lose a message."""
        if self.messages:
            self.messages.pop(at % len(self.messages))

    def report(self, call: int, recipient: int, kind: Kind, point: FaultPoint = None) -> None:
        """Record a provider's event about a call that was made. The event may be false."""
        if called := self.calls.of_providers():
            self.report_on(*called[call % len(called)], recipient, kind, point)

    def report_on(self, email_id: str, number: int, recipient: int, kind: Kind, point: FaultPoint) -> None:
        """The same about the attempt `number` of that email."""
        about = self.harness.head(email_id).made(number)
        event = ProviderEvent(
            about.provider,
            kind,  # type: ignore[arg-type] # because only kinds of event are drawn
            email_id,
            number,
            about.recipients[recipient % len(about.recipients)],
            self.clock.now_ms,
            event_id=f"event-{len(self.events)}",
        )
        self.events.append(event)
        self._record(event, point)

    def report_again(self, number: int, point: FaultPoint = None) -> None:
        """Record an earlier webhook again."""
        if self.events:
            self._record(self.events[number % len(self.events)], point)

    def _record(self, event: ProviderEvent, point: FaultPoint) -> None:
        copy = event.email_id, event.attempt, event.recipient
        self.reported[copy].add(event.kind)
        self.touched.discard(event.email_id)
        is_recorded = self.attempt_to(point, self.harness.record, event.provider, webhook([event]))
        self.applied[event.kind] += event.email_id in self.touched
        self.touched.add(event.email_id)
        if is_recorded:
            self.recorded[event.kind] += 1
            self.known[copy] |= PROVED.get(event.kind, frozenset())
            if event.kind in OPT_OUTS:
                self.opted_out[event.recipient] = max(event.at_ms, self.opted_out.get(event.recipient, 0))

    def sweep(self, lost: int = 0, *, maintains: bool = False) -> None:
        """Sweep, and lose every `lost`-th message. With `maintains`, the providers' health is maintained as well."""
        sweep = self.harness.sweep if maintains else replace(self.harness.sweep, watchdog=lambda: None)
        before = list(self.messages)
        replace(sweep, publish_many=each_in_its_lane(self._publish), shards=SHARDS)(within_s=60)
        found = sorted(self.messages[len(before) :])
        self.messages = before + [message for n, message in enumerate(found, 1) if not lost or n % lost]

    def cancel(self, number: int, point: FaultPoint = None) -> None:
        if self.requests.promised:
            email_id = sorted(self.requests.promised)[number % len(self.requests.promised)]
            if self.attempt_to(point, self.harness.cancel, email_id, None):
                self.canceled.add(email_id)

    def pause(self, provider: str) -> None:
        self.harness.another_monitor().update(provider, pause)
        self.paused_since_s.setdefault(provider, self.clock())

    def resume(self, provider: str) -> None:
        self.harness.resume(provider)
        self.paused_since_s.pop(provider, None)

    def suppress(self, address: str) -> None:
        now_ms = self.clock.now_ms
        self.harness.suppressions.put(Suppression(address, Reason.MANUAL, "by hand", now_ms, now_ms + 10**10))

    def lift(self, address: str) -> None:
        self.lifted[address] = self.clock.now_ms
        for owner in ("", "team"):
            self.harness.suppressions.lift(address, self.clock.now_ms, owner)

    def attempt_to(self, point: FaultPoint, use_case: Any, *arguments: Any, **named: Any) -> bool:
        """Run a use case with that fault. Returns whether it succeeded. A crash costs the process its memory."""
        self.faults.arm(point)
        try:
            use_case(*arguments, **named)
        except Crash:
            self.restart()
            return False
        except ANSWERS:
            return False
        finally:
            self.faults.arm(None)
        return True

    # The queue

    def _publish(self, email_id: str, attempt: int, lane: Lane) -> None:
        assert lane is self.harness.head(email_id).lane, "published in another lane"
        self.messages.append((email_id, attempt))

    def _publish_later(self, email_id: str, attempt: int, at_ms: int, lane: Lane) -> None:
        assert lane is self.harness.head(email_id).lane, "published in another lane"
        self.delayed.append((at_ms, email_id, attempt))

    # The guarantees

    def heads(self, only: set[str] | None = None) -> list[Head]:
        """The heads of all emails, or of those in `only`."""
        email_ids = self.requests.ids.keys() if only is None else only
        return self.harness.heads.get_many(sorted(email_ids)) if email_ids else []

    def check(self) -> None:
        """Check the guarantees for every email that was written or reported on since the last check."""
        heads = self.heads(self.touched)
        assert self.requests.promised & self.touched <= {head.email_id for head in heads}, (
            "a 202 whose email is not there"
        )
        self.touched.clear()
        for head in heads:
            is_due = due_at_ms(head, self.clock.now_ms) is not None
            self.asks.see(head)
            for recipient in head.recipients.values():
                self._check(head, recipient, is_due=is_due)
        opted_out = {address for address, at_ms in self.opted_out.items() if at_ms > self.lifted.get(address, 0)}
        suppressed = self.harness.suppressions.among(opted_out, self.clock.now_ms, "team")
        assert opted_out == suppressed.keys(), "a complaint is lost"

    def _check(self, head: Head, recipient: Recipient, *, is_due: bool) -> None:
        status = recipient.status
        self.cap_check.see(head.email_id, recipient)
        if status is Status.SENT:
            assert self._is_accepted(head, recipient), "sent without an acceptance"
        elif status not in FINAL:
            assert is_due, f"{status.value} and not due: stuck"
        elif status in UNSENT:
            taken = recipient.attempts_with(Evidence.ACCEPTED, without=(Evidence.FAILED,))
            assert not taken, f"{status.value}, but a provider has it"
        for number in range(1, head.next_attempt):
            evidence = recipient.evidence.get(number, frozenset())
            assert self.known[head.email_id, number, recipient.key] <= evidence, "what a webhook said was forgotten"
        before = self.seen.get((head.email_id, recipient.key))
        if before in RECEIVED:
            assert status in (*RECEIVED, Status.BOUNCED), f"{before} became {status}"
        self.seen[head.email_id, recipient.key] = status

    def _is_accepted(self, head: Head, recipient: Recipient) -> bool:
        is_live = recipient.attempt in recipient.attempts_with(Evidence.ACCEPTED, without=(Evidence.FAILED,))
        reported = self.reported[head.email_id, recipient.attempt, recipient.key]
        outcomes = {attempt.outcome for attempt in head.attempts if attempt.original_number == recipient.attempt}
        return is_live and (Kind.ACCEPTED in outcomes or bool(reported))

    def settle_everything(self) -> None:
        """End the run: everything works from now on, and the sweep alone must bring every email to its end."""
        self.messages.clear()
        for provider in self.harness.routing.providers:
            self.resume(provider)
            self.asks.silence(provider, silent=False)
        self.restart()
        for _ in range(40):
            due = [due_ms for head in self.heads() if (due_ms := due_at_ms(head, self.clock.now_ms)) is not None]
            if not due:
                break
            self.clock.now_s = max(self.clock.now_s, max(due) / 1000)
            self.sweep()
            while self.messages:
                self.deliver(0, Outcome(Kind.ACCEPTED, message_id="m"), has_copy=True)
            self.check()
        self.touched.update(self.requests.ids)
        self.check()
        self.requests.check_at_end()
        for head in self.heads():
            at_end = {*FINAL, Status.SENT}
            assert {recipient.status for recipient in head.recipients.values()} <= at_end, "never settled"
