"""attempt: one message of the queue makes at most one provider call.

The steps are: read the head, check that the attempt is expected, claim it, call the provider, write the outcome,
publish the next attempt. Every write is conditional on what was read, and is made before anything is published.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from secrets import token_hex

from app.delivery.capacity import Capacity, Reservation
from app.delivery.monitor import Monitor
from app.delivery.ports import Clock, ContentStore, HeadStore, Publish, ReadContext, Send
from app.delivery.rewrite import publish_if_ready, rewrite
from app.domain.dispatch import Dispatch, DispatchContext
from app.domain.email import Content, Mailbox, Message, Role
from app.domain.head import Head
from app.domain.outcome import Outcome
from app.domain.protocol import DeliveryProtocol
from app.domain.resolution import Signal, row_for
from app.domain.suppression import Suppression, from_signal

log = logging.getLogger(__name__)


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
    read_context: ReadContext
    monitor: Monitor
    capacity: Capacity
    suppress: Callable[[Suppression], None]
    lease_s: float

    def __call__(self, email_id: str, number: int) -> None:
        """Make attempt `number` if the email expects it next. Otherwise the message is an old one and is dropped."""
        head = self.heads.get(email_id)
        # The claim checks this again. Here the check only saves reading the content for a redelivered message.
        if head is None or not self._is_expected(head, number, self._now_ms()):
            log.info("not expected, dropped", extra={"email_id": email_id, "attempt": number})
            return
        content = self.contents.get(email_id, head.fingerprint)  # before the claim, so that a failure holds no lease
        request = _ClaimRequest(number, self.read_context(head))
        claimed = self._claim(head, request)
        if claimed is None:
            log.info("nothing to send", extra={"email_id": email_id, "attempt": number})
            return
        outcome, duration_ms = self._call(claimed, content, request.context.first_choice)
        written = rewrite(
            self.heads,
            self.clock,
            email_id,
            lambda h, now: self.protocol.record_outcome(h, number, outcome, duration_ms, now),
            known=claimed,
        )
        attempt = claimed.attempts[-1]
        if written is not None:
            publish_if_ready(self.publish, self.clock, written)
            self._suppress(written, {key: Signal.from_outcome(attempt, outcome, key) for key in attempt.recipients})
        began_at_ms = claimed.attempts[attempt.original_number - 1].started_at_ms  # as of the reports that will come
        plain = len(attempt.recipients) - len(outcome.differing)
        self.monitor.record_call(attempt.provider, outcome, plain, began_at_ms)
        for reservation in request.reservations.values():
            self.capacity.settle(reservation, outcome, attempt.recipients)
        self.monitor.flush()

    def _is_expected(self, head: Head, number: int, now_ms: int) -> bool:
        """The guard: the email expects this attempt next, and no other worker holds its lease."""
        return head.next_attempt == number and not head.leased(now_ms)

    def _claim(self, head: Head, request: "_ClaimRequest") -> Head | None:
        """Claim the attempt. Returns None if no call is to be made: nobody is left to send to, or another worker came.

        What was reserved for a call that is not made is given back, also when the store fails.
        """
        called = ""
        try:
            written = rewrite(
                self.heads, self.clock, head.email_id, lambda h, now: self._change(h, request, now), known=head
            )
            if written is None or written.lease_holder != request.holder:
                return None
            called = written.attempts[-1].provider
            return written
        finally:
            for provider in [provider for provider in request.reservations if provider != called]:
                self.capacity.cancel(request.reservations.pop(provider))

    def _change(self, head: Head, request: "_ClaimRequest", now_ms: int) -> Head | None:
        """Settle the email and claim its next call in one write. Returns None if another worker holds it."""
        if head.lease_holder == request.holder:
            return head  # our write succeeded but its answer was lost, so the store's client made it again
        if not self._is_expected(head, request.number, now_ms):
            return None
        settled, dispatch = self._plan(head, request, now_ms)
        if dispatch is None:
            return settled
        claimed = self.protocol.claim(settled, dispatch, now_ms + int(self.lease_s * 1000), now_ms)
        return replace(claimed, lease_holder=request.holder)

    def _plan(self, head: Head, request: "_ClaimRequest", now_ms: int) -> tuple[Head, Dispatch | None]:
        """The settled head and its next call, for which everything that it needs has been reserved."""
        context = request.context
        while True:
            settled = self.protocol.settle(head, now_ms, context)
            dispatch = self.protocol.next_dispatch(settled, now_ms, context)
            if dispatch is None:
                return settled, None
            provider, recipients = dispatch.provider, len(dispatch.recipients)
            held = request.reservations.get(provider)
            if held is not None and held.is_for(provider, recipients):
                return settled, dispatch
            if held is not None:  # another writer has changed whom the call carries
                self.capacity.cancel(request.reservations.pop(provider))
            found = self.capacity.reserve(context.candidate(provider), recipients)
            if isinstance(found, Reservation):
                request.reservations[provider] = found
            else:
                context = context.changed(found)

    def _call(self, claimed: Head, content: Content, first_choice: str) -> tuple[Outcome, int]:
        provider = claimed.attempts[-1].provider
        began_ms = self._now_ms()
        outcome = self.send(provider, message(claimed, content)).among(claimed.attempts[-1].recipients)
        duration_ms = self._now_ms() - began_ms
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
            },
        )
        return outcome, duration_ms

    def _suppress(self, written: Head, signals: Mapping[str, Signal]) -> None:
        """Suppress the recipients whom the provider refused for good, so that the next email is not sent to them."""
        for key, signal in signals.items():
            if row_for(written.recipients[key], signal).suppress:
                self.suppress(from_signal(written.email_id, key, signal, self._now_ms()))

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)


@dataclass(frozen=True)
class _ClaimRequest:
    """One worker's request for one attempt. It stays the same however often its write has to be made again.

    `reservations` are what has been reserved for it, by provider.
    """

    number: int
    context: DispatchContext
    holder: str = field(default_factory=lambda: token_hex(8))
    reservations: dict[str, Reservation] = field(default_factory=dict)


def message(claimed: Head, content: Content) -> Message:
    """What the last attempt of `claimed` carries. A repetition carries exactly what the first call carried.

    A call for all recipients addresses them as the email does. A call for some of them addresses these in `to`: some
    providers require one, and whoever has the email already must not get a second copy. That is also how an email
    with nobody in `to` is sent; its headers show the `cc`, or else the recipient of this copy.
    """
    attempt = claimed.attempts[-1]
    to, cc = _with_role(claimed, Role.TO), _with_role(claimed, Role.CC)
    is_whole = bool(to) and len(attempt.recipients) == len(claimed.recipients)
    some = tuple(_mailbox(claimed, key) for key in attempt.recipients)
    return Message(
        email_id=claimed.email_id,
        attempt=attempt.original_number,
        sender=claimed.sender,
        to=to if is_whole else some,
        cc=cc if is_whole else (),
        bcc=_with_role(claimed, Role.BCC) if is_whole else (),
        visible_to=to if to or cc else some,
        visible_cc=cc,
        content=content.with_files_shown(),
    )


def _mailbox(head: Head, key: str) -> Mailbox:
    return Mailbox(head.recipients[key].address, head.recipients[key].name)


def _with_role(head: Head, role: Role) -> tuple[Mailbox, ...]:
    return tuple(_mailbox(head, key) for key, recipient in head.recipients.items() if recipient.role is role)
