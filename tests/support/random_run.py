"""A random run: a queue that loses, repeats and reorders messages, providers that answer as planned, processes that die
at any call; and what must hold for every email after every step."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from app.delivery.health_cache import CACHE_FOR_S
from app.delivery.read_beside import at_once
from app.domain.caps import Caps
from app.domain.due import due_at_ms
from app.domain.email import Email, Message, OnUncertain
from app.domain.event import ProviderEvent
from app.domain.head import Evidence, Head, Recipient, Status
from app.domain.health import pause
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.domain.shards import shard_of
from app.domain.suppression import Reason, Suppression
from app.domain.unknown_calls import unknown_calls
from app.errors import Conflict, Invalid, ServiceUnavailable
from app.wiring.parts import build
from tests.support.aws import Aws
from tests.support.cap_check import CapCheck
from tests.support.crash import Crash
from tests.support.faults import FaultInjector, FaultMode, FaultyStore, RecordingHeads
from tests.support.harness import UNCERTAIN_WAIT_S, Harness, forget_everything, receivers
from tests.support.proved import BAD, OPT_OUTS, PROVED
from tests.support.providers import webhook
from tests.support.publishing import in_no_lane, one_by_one
from tests.support.random_asks import Asks

FaultPoint = tuple[int, FaultMode] | None  # which call fails and how; None: no call fails
DuringCall = Kind | float | str | None  # what happens during a call: a webhook, seconds that pass, or DEATH
STARTS_AT_S = 1_800_000_000.0
RETRY_FOR_S = 1200
SHARDS = (0, 1)
DEATH = "death"  # the worker dies during the call, after the provider has taken the email
MOST_UNKNOWN = {OnUncertain.WAIT: 2, OnUncertain.FAILOVER: 4, OnUncertain.FAIL: 1}  # calls to one recipient
WAITS_MS = UNCERTAIN_WAIT_S * 1000
FINAL = frozenset(Status) - {Status.SCHEDULED, Status.QUEUED, Status.SENDING, Status.SENT}
UNSENT = (Status.FAILED, Status.EXPIRED, Status.CANCELED)
RECEIVED = (Status.DELIVERED, Status.COMPLAINED)
ANSWERS = (ServiceUnavailable, Conflict, Invalid)


@dataclass(frozen=True)
class Copy:
    """A call after which the provider has the email."""

    attempt: int
    provider: str
    keys: frozenset[str]
    at_ms: int


class RandomRun:
    """One run. Every public method is a step of it; an assertion that fails is a broken guarantee."""

    def __init__(self, aws: Aws) -> None:
        forget_everything()
        self.harness = Harness(aws, retry_for_s=RETRY_FOR_S)
        self.clock = self.harness.clock
        self.clock.now_s = STARTS_AT_S
        self.faults = FaultInjector()
        self.messages: list[tuple[str, int]] = []
        self.emails: dict[str, tuple[Email, str]] = {}  # by id: the email and its idempotency key
        self.promised: set[str] = set()  # emails that were accepted for the client
        self.canceled: set[str] = set()  # emails whose cancellation was answered with success
        self.touched: set[str] = set()  # emails to check: written or reported on since the last check
        self.copies: dict[str, list[Copy]] = defaultdict(list)
        self.called: set[tuple[str, int]] = set()
        self.first_calls: dict[tuple[str, int], tuple[str, Message]] = {}  # what was sent under a key, and through whom
        self.reported: dict[tuple[str, int, str], set[Kind]] = defaultdict(set)
        self.known: dict[tuple[str, int, str], set[Evidence]] = defaultdict(set)
        self.opted_out: dict[str, int] = {}  # addresses that want no more mail, and when that was last reported
        self.lifted: dict[str, int] = {}
        self.events: list[ProviderEvent] = []
        self.paused_since_s: dict[str, float] = {}
        self.seen: dict[tuple[str, str], Status] = {}
        self.idempotent: tuple[str, ...] = ()
        self.cap_check = CapCheck({})
        self.outcome = Outcome(Kind.ACCEPTED, message_id="m")
        self.has_copy = True
        self.during_call: DuringCall = None
        self.recorded: Counter[Kind] = Counter()  # webhooks that were answered with 200
        self.applied: Counter[Kind] = Counter()  # webhooks that changed a head
        self.outcomes: Counter[Kind] = Counter()  # of the calls that were answered
        self.asks = Asks(self)
        self.restart()

    def restart(self) -> None:
        """Start a new process. What the old one knew and had not written is lost."""
        harness, faults = self.harness, self.faults
        names = ("contents", "recipients", "events", "collapses", "keys", "suppressions", "healths", "places")
        stores: dict[str, Any] = {name: FaultyStore(getattr(harness.stores, name), faults) for name in names}
        stores["heads"] = FaultyStore(RecordingHeads(self.touched), faults)
        parts = build(
            replace(harness.settings, routing=replace(harness.routing, caps=self.cap_check.caps)),
            in_no_lane(faults.wrap(self._publish)),
            faults.wrap(self._send),
            self.clock,
            stores=replace(harness.stores, **stores),
            publish_many=one_by_one(faults.wrap(self._publish)),
            providers=receivers(harness.routing.providers, {}, self.idempotent),
            confirm=lambda _, url: harness.confirmed.append(url),
            publish_later=faults.wrap(lambda email_id, number, *_: self._publish(email_id, number)),
            wait=self.clock.advance,
        )
        harness.monitor = parts.monitor
        harness.accept, harness.attempt = replace(parts.accept, read_beside=at_once), parts.attempt
        harness.record, harness.cancel = parts.record, parts.cancel
        harness.reschedule, harness.retry = parts.reschedule, parts.retry

    # Steps

    def begin(self, idempotent: tuple[str, ...], caps: Mapping[str, Caps]) -> None:
        """Decide which providers promise to know an idempotency key for a day, and which have caps."""
        self.idempotent = idempotent
        self.cap_check = CapCheck(caps)
        self.restart()

    def accept(self, email: Email, point: FaultPoint = None) -> None:
        """Accept a new email. If the process dies, the client does not learn that it was accepted."""
        self._ask(email, _key(len(self.emails)), point)

    def ask_again(self, number: int, point: FaultPoint = None) -> None:
        """Accept an earlier request again, which the client repeats."""
        email, key = list(self.emails.values())[number % len(self.emails)]
        self._ask(email, key, point)

    def _ask(self, email: Email, key: str, point: FaultPoint) -> None:
        email_id = f"eml_{key}"
        self.harness.accept = replace(self.harness.accept, new_id=lambda: email_id)  # known, although the process dies
        self.emails.setdefault(email_id, (email, key))
        if self.attempt_to(point, self.harness.accept, email, project="team", key=key):
            self.promised.add(email_id)
            self.touched.add(email_id)

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
        if not self.messages:
            return
        at %= len(self.messages)
        message = self.messages[at] if again else self.messages.pop(at)
        self.outcome = outcome
        self.during_call = during_call
        self.has_copy = outcome.kind is Kind.ACCEPTED or (outcome.kind is Kind.UNCERTAIN and has_copy)
        if not self.attempt_to(point, self.harness.attempt, *message):
            self.messages.append(message)  # the queue delivers it again

    def lose(self, at: int) -> None:
        """Lose a message."""
        if self.messages:
            self.messages.pop(at % len(self.messages))

    def report(self, call: int, recipient: int, kind: Kind, point: FaultPoint = None) -> None:
        """Record a provider's event about a call that was made. The event may be false."""
        called = sorted(self.first_calls)
        if not called:
            return
        self._report(*called[call % len(called)], recipient, kind, point)

    def _report(self, email_id: str, number: int, recipient: int, kind: Kind, point: FaultPoint) -> None:
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
        replace(sweep, publish_many=one_by_one(self._publish), shards=SHARDS)(within_s=60)
        found = sorted(self.messages[len(before) :])
        self.messages = before + [message for n, message in enumerate(found, 1) if not lost or n % lost]

    def cancel(self, number: int, point: FaultPoint = None) -> None:
        if self.promised:
            email_id = sorted(self.promised)[number % len(self.promised)]
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

    # The queue and the providers

    def _publish(self, email_id: str, attempt: int) -> None:
        self.messages.append((email_id, attempt))

    def _send(self, provider: str, message: Message) -> Outcome:
        head, now_ms = self.harness.head(message.email_id), self.clock.now_ms
        keys = frozenset(mailbox.key for mailbox in (*message.to, *message.cc, *message.bcc))
        assert (message.email_id, head.lease_attempt) not in self.called, "two calls of one attempt"
        self.called.add((message.email_id, head.lease_attempt))
        if head.lease_attempt != message.attempt:
            assert provider in self.idempotent, "repeated where no key is known"
        first = self.first_calls.setdefault((message.email_id, message.attempt), (provider, message))
        assert first == (provider, message), "repeated, but not the same"
        assert now_ms < head.expires_at_ms, "sent after expires_at"
        assert now_ms >= (head.send_at_ms or 0), "sent before its time"
        allowed = [head.through] if head.through else head.providers
        assert not allowed or provider in allowed, "sent through a provider it does not allow"
        since_s = self.paused_since_s.get(provider)
        assert since_s is None or self.clock() < since_s + CACHE_FOR_S, "sent through a paused provider"
        for key in keys:
            self._may_be_sent(head, key, message.attempt)
        self.cap_check.count_call(provider, len(keys), self.clock())
        if self.has_copy and all(copy.attempt != message.attempt for copy in self.copies[message.email_id]):
            self.cap_check.count_copy(provider, len(keys), self.clock())
            self.copies[message.email_id].append(Copy(message.attempt, provider, keys, now_ms))
        outcome, during_call, self.during_call = self.outcome, self.during_call, None
        if during_call is not None:
            self._happen(during_call, message.email_id, message.attempt)
        self.outcomes[outcome.signal_kind] += 1
        return outcome

    def _happen(self, during_call: Kind | float | str, email_id: str, attempt: int) -> None:
        """Let something happen during a call."""
        if during_call == DEATH:
            raise Crash
        calls_left, mode = self.faults.calls_left, self.faults.mode
        if isinstance(during_call, Kind):
            self._report(email_id, attempt, 0, during_call, None)
        elif isinstance(during_call, float):
            self.clock.advance(during_call)
            self.sweep()
            for message in [message for message in self.messages if message[0] == email_id]:
                self.attempt_to(None, self.harness.attempt, *message)
        self.faults.arm((calls_left, mode))

    def _may_be_sent(self, head: Head, key: str, attempt: int) -> None:
        recipient = head.recipients[key]
        assert self.seen.get((head.email_id, key)) not in RECEIVED, "sent to somebody who has it"
        if not head.override_suppression:
            assert not self.harness.suppressions.among([key], self.clock.now_ms, "team"), (
                "sent to somebody who is suppressed"
            )
        assert head.email_id not in self.canceled, "sent although it was canceled"
        earlier = {attempt, *self.asks.passed[head.email_id, key]}
        unknown = [number for number in unknown_calls(recipient, head.attempts) if number not in earlier]
        assert len(unknown) < MOST_UNKNOWN[head.on_uncertain], "sent again too often without an answer"
        for copy in self.copies[head.email_id]:
            if key in copy.keys and copy.attempt != attempt:
                self._may_have_another(head, recipient, copy)

    def _may_have_another(self, head: Head, recipient: Recipient, copy: Copy) -> None:
        """Check that another copy is allowed: this one was reported as failed, or its outcome could not be known."""
        evidence = recipient.evidence.get(copy.attempt, frozenset())
        if Evidence.FAILED in evidence:
            assert self.reported[head.email_id, copy.attempt, recipient.key] & BAD, "a failure that nobody reported"
        elif Evidence.SILENT in evidence:
            assert head.critical, "rescued, but not critical"
            assert head.on_uncertain is not OnUncertain.FAIL, "rescued, which was forbidden"
        else:
            assert Evidence.ACCEPTED not in evidence, "a second copy beside an accepted one"
            assert head.made(copy.attempt).outcome is Kind.UNCERTAIN, "a second copy without any doubt"
            assert head.on_uncertain is not OnUncertain.FAIL, "a second copy that was forbidden"
            waited_ms = self.clock.now_ms - copy.at_ms
            assert head.on_uncertain is OnUncertain.FAILOVER or waited_ms >= WAITS_MS, "evidence was not waited for"

    # The guarantees

    def heads(self, only: set[str] | None = None) -> list[Head]:
        """The heads of all emails, or of those in `only`."""
        email_ids = self.emails.keys() if only is None else only
        return self.harness.heads.get_many(sorted(email_ids)) if email_ids else []

    def check(self) -> None:
        """Check the guarantees for every email that was written or reported on since the last check."""
        heads = self.heads(self.touched)
        assert self.promised & self.touched <= {head.email_id for head in heads}, "a 202 whose email is not there"
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
        self.touched.update(self.emails)
        self.check()
        for head in self.heads():
            at_end = {*FINAL, Status.SENT}
            assert {recipient.status for recipient in head.recipients.values()} <= at_end, "never settled"


def _key(number: int) -> str:
    """An idempotency key whose email is in one of SHARDS, so that a sweep can skip the others."""
    return next(key for n in count() if shard_of(f"eml_{(key := f'{number}-{n}')}") in SHARDS)
