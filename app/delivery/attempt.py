"""attempt: one message of the queue makes at most one provider call.

The steps are: read the head, check that the attempt is expected, claim it, call the provider, write the outcome,
publish the next attempt. Every write is conditional on what was read, and is made before anything is published.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial

from app.delivery.capacity import NOT_CALLED, PAUSED, Capacity
from app.delivery.marked import marked
from app.delivery.plan import EARLY_MS, Plan
from app.delivery.ports import Clock, ContentStore, HeadStore, LoadContent, ReadContext, Send
from app.delivery.queue_ports import Publish, PublishLater
from app.delivery.rewrite import publish_if_ready, rewrite
from app.delivery.sandbox import no_sandbox
from app.delivery.traced import TraceAttempt, untraced
from app.delivery.watching import Watches
from app.domain import limits
from app.domain.email import Content, Mailbox, Message, Role
from app.domain.findings import Finding, from_signal
from app.domain.head import Head
from app.domain.lane import Lane
from app.domain.outcome import Outcome
from app.domain.own_lists import outcome_with_list
from app.domain.protocol import DeliveryProtocol
from app.domain.resolution import Signal, row_for
from app.errors import ServiceUnavailable

log = logging.getLogger(__name__)

WRITES_UNTIL_BEFORE_LEASE_END_MS = 2000


@dataclass(frozen=True)
class MakeAttempt:
    """Makes attempt number n of an email.

    It raises only for faults of our own side, after which the queue delivers the message again. `lease_s` is longer
    than a worker may live, so that the worker is surely dead when its lease ends.
    """

    heads: HeadStore
    contents: ContentStore
    send: Send
    publish: Publish
    clock: Clock
    protocol: DeliveryProtocol
    publish_later: PublishLater
    read_context: ReadContext
    monitor: Watches
    capacity: Capacity
    suppress: Callable[[Finding], object]
    lease_s: float
    wait: Callable[[float], None] = time.sleep
    trace: TraceAttempt = untraced
    own_lists: Mapping[str, str] = field(default_factory=dict)  # where each provider's own suppression list is cleared
    sandbox: Callable[[Head, int, LoadContent], None] = no_sandbox  # what is made for test mail instead

    def __call__(self, email_id: str, number: int, at_ms: int = 0, lane: Lane = Lane.NORMAL) -> None:
        """Make attempt `number` if the email expects it next. Otherwise the message is an old one and is dropped.

        A message that comes before `at_ms`, for which it was published, is published again in `lane`, in which it came.
        """
        if at_ms > self._now_ms() + EARLY_MS:
            self.publish_in_time(email_id, number, at_ms, lane)
            return
        head, load = self.contents.open(email_id)
        # The claim checks this again. Here the check only saves what follows for a redelivered message.
        if head is None or not self._is_expected(head, number, self._now_ms()):
            log.info("not expected, dropped", extra={"email_id": email_id, "attempt": number})
            return
        make = self.sandbox if head.sandbox else self.make
        with self.trace(head, number):
            make(head, number, cache(load))

    def make(self, head: Head, number: int, load: LoadContent) -> None:
        """Make attempt `number` of the email with this head, which expects it next."""
        email_id = head.email_id
        plan = Plan(number, self.read_context(head), self.capacity, self.protocol, self.clock)
        claimed = self._claim(head, plan, load)
        content = load() if claimed is not None else None
        if claimed is None or content is None:
            return
        attempt = claimed.attempts[-1]
        outcome, duration_ms = self._call(claimed, content, plan)
        unreported = attempt.recipients

        def record(known: Head, now_ms: int) -> Head:
            nonlocal unreported
            unreported = tuple(key for key in attempt.recipients if not known.recipients[key].evidence.get(number))
            return self.protocol.record_outcome(known, number, outcome, duration_ms, now_ms)

        written = rewrite(
            self.heads,
            self.clock,
            email_id,
            record,
            known=claimed,
            # Until then nobody else may call for this email: an outcome that is given up could mean a second copy.
            until_ms=(claimed.lease_until_ms or 0) - WRITES_UNTIL_BEFORE_LEASE_END_MS,
            wait=self.wait,
        )
        if written is not None:
            publish_if_ready(self.publish, self.clock, written)
            turn_ms = self._now_ms() + limits.SECOND_CHECK_MS if outcome is NOT_CALLED else plan.turn_ms
            if turn_ms is not None:
                self.publish_in_time(email_id, written.next_attempt, turn_ms, written.lane)
            signals = {key: Signal.from_outcome(attempt, outcome, key) for key in attempt.recipients}
            self._suppress(written, signals, attempt.started_at_ms)
        began_at_ms = claimed.made(attempt.original_number).started_at_ms  # as of the reports that will come
        plain = len(attempt.recipients) - len(outcome.differing)
        if attempt.provider in plan.reservations:  # otherwise no call was made
            self.monitor.record_call(attempt.provider, outcome, plain, began_at_ms, duration_ms=duration_ms)
            # Whom its webhook was about before its answer came has the email, whatever the answer says.
            self.capacity.give_back_unused(plan.reservations[attempt.provider], outcome, unreported)
        self.monitor.flush()

    def _is_expected(self, head: Head, number: int, now_ms: int) -> bool:
        """The guard: the email expects this attempt next, and no other worker holds its lease."""
        return head.next_attempt == number and not head.leased(now_ms)

    def _claim(self, head: Head, plan: Plan, load: LoadContent) -> Head | None:
        """Claim the attempt. Returns None if no call is to be made: nobody is left to send to, or another worker came.

        What was reserved for a call that is not made is given back, also when the store fails.
        """
        called = ""
        try:
            change = partial(self._change, plan, load)
            written = rewrite(self.heads, self.clock, head.email_id, change, head)
            if written is not None and written.lease_holder == plan.holder:
                called = written.attempts[-1].provider
                return written
        finally:
            for provider in [provider for provider in plan.reservations if provider != called]:
                self.capacity.cancel(plan.reservations.pop(provider))
        log.info("nothing to send", extra={"email_id": head.email_id, "attempt": plan.number, **marked(head)})
        if written is not None and limits.is_waited_for(written):
            for one in plan.limited:
                fields = {"provider": one.provider, "limit": one.limit, "until_ms": one.until_ms}
                log.info("waits for a limit", extra={"email_id": head.email_id, **fields})
        if written is not None and plan.turn_ms is not None and plan.turn_ms != head.turn_ms:
            self.publish_in_time(head.email_id, plan.number, plan.turn_ms, head.lane)
        return None

    def _change(self, plan: Plan, load: LoadContent, head: Head, now_ms: int) -> Head | None:
        """Settle the email and claim its next call in one write. Returns None if another worker holds it.

        The content is loaded before the claim, so that a failure holds no lease. It must be there only if a call is
        due: whatever else is to be settled does not depend on it.
        """
        if head.lease_holder == plan.holder:
            return head  # our write succeeded but its answer was lost, so the store's client made it again
        if not self._is_expected(head, plan.number, now_ms):
            return None
        settled, dispatch, now_ms = plan.next_call(head)
        if dispatch is None:
            return settled
        if load() is None:
            log.error("content lost", extra={"email_id": head.email_id, **marked(head)})
            return self.protocol.lose_content(settled)
        claimed = self.protocol.claim(settled, dispatch, now_ms + int(self.lease_s * 1000), now_ms)
        return replace(claimed, lease_holder=plan.holder)

    def _call(self, claimed: Head, content: Content, plan: Plan) -> tuple[Outcome, int]:
        """Make the call. If its second is over by now, and no other has a place, it is not made, and not counted."""
        provider, first_choice = claimed.attempts[-1].provider, plan.context.first_choice
        reservation = self.capacity.renew(plan.reservations.pop(provider))
        began_ms = self._now_ms()
        if reservation is None:
            return NOT_CALLED, 0
        if self.monitor.is_paused(provider):  # since the email's next step was planned, which may be seconds ago
            self.capacity.cancel(reservation)
            return PAUSED, 0
        plan.reservations[provider] = reservation
        outcome = self.send(provider, message(claimed, content)).among(claimed.attempts[-1].recipients)
        duration_ms = self._now_ms() - began_ms
        outcome = outcome_with_list(outcome, provider, self.own_lists.get(provider, ""))
        log.info(
            "attempt",
            extra={
                "email_id": claimed.email_id,
                "attempt": claimed.lease_attempt,
                "provider": provider,
                "outcome": outcome.kind.value,
                "cause": outcome.cause and outcome.cause.value,
                "status_code": outcome.status_code,
                "ms": duration_ms,
                "failover": provider != (first_choice or claimed.attempts[0].provider),
                "repeats": claimed.attempts[-1].repeats,
                **marked(claimed),
            },
        )
        return outcome, duration_ms

    def _suppress(self, written: Head, signals: Mapping[str, Signal], began_ms: int) -> None:
        """Suppress the recipients whom the provider refused for good, so that the next email is not sent to them."""
        for key, signal in signals.items():
            if row_for(written.recipients[key], signal).suppress:
                about = (written.lived_from_ms(began_ms), written.project)
                self.suppress(from_signal(written.email_id, key, signal, self._now_ms(), *about))

    def publish_in_time(self, email_id: str, attempt: int, at_ms: int, lane: Lane) -> None:
        """Publish with a delay. If that fails, the sweep publishes it, because the head is due."""
        try:
            self.publish_later(email_id, attempt, at_ms, lane)
        except ServiceUnavailable as error:
            log.warning("not published, the sweep will", extra={"email_id": email_id, "reason": error.detail})

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)


def message(claimed: Head, content: Content) -> Message:
    """What the last attempt of `claimed` carries. A repetition carries exactly what the first call carried.

    A call for all recipients addresses them as the email does. A call for some of them addresses these in `to`: some
    providers require one, and whoever has the email already must not get a second copy. That is also how an email
    with nobody in `to` is sent; its headers show the `cc`, or else the recipient of this copy.
    """
    attempt, names = claimed.attempts[-1], content.names
    to, cc = _with_role(claimed, Role.TO, names), _with_role(claimed, Role.CC, names)
    is_whole = bool(to) and len(attempt.recipients) == len(claimed.recipients)
    some = tuple(_mailbox(claimed, key, names) for key in attempt.recipients)
    return Message(
        email_id=claimed.email_id,
        attempt=attempt.original_number,
        sender=claimed.sender,
        to=to if is_whole else some,
        cc=cc if is_whole else (),
        bcc=_with_role(claimed, Role.BCC, names) if is_whole else (),
        visible_to=to if to or cc else some,
        visible_cc=cc,
        content=content.with_files_shown(),
        tracking=claimed.tracking,
    )


def _mailbox(head: Head, key: str, names: Mapping[str, str]) -> Mailbox:
    return Mailbox(head.recipients[key].address, names.get(key, ""))


def _with_role(head: Head, role: Role, names: Mapping[str, str]) -> tuple[Mailbox, ...]:
    return tuple(_mailbox(head, key, names) for key, recipient in head.recipients.items() if recipient.role is role)
