"""record: a webhook comes in; verify, parse, fold into the heads, keep the events, publish if somebody is queued again.

The head is written before the event item, so an item that is there proves that the head knew: a crash in between is
healed by the provider's redelivery, since folding twice changes nothing.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from app.delivery.monitor import Monitor
from app.delivery.ports import Clock, EventStore, HeadStore, NonceStore, Publish, Receiver
from app.delivery.rewrite import announce, rewrite
from app.domain.event import Event, Subscription, Webhook
from app.domain.head import Fact, Head, Status
from app.domain.health import Sums, reported
from app.domain.progress import Rules, belongs
from app.domain.suppression import Suppression, from_event
from app.domain.transitions import News, rule
from app.errors import NotFound, Unauthenticated

log = logging.getLogger(__name__)

SIDE_BY_SIDE = 16  # emails of one webhook that are recorded at the same time


@dataclass(frozen=True)
class Record:
    """Records one webhook of one provider."""

    receivers: Mapping[str, Receiver]
    heads: HeadStore
    events: EventStore
    nonces: NonceStore
    publish: Publish
    confirm: Callable[[str], None]  # carries out a subscription's confirmation; raises Unavailable
    clock: Clock
    rules: Rules
    monitor: Monitor
    suppress: Callable[[Suppression], None]

    def __call__(self, provider: str, webhook: Webhook) -> None:
        """Record everything in `webhook`.

        Raises NotFound (no such provider), Unauthenticated (the sender cannot be proved), Unavailable (not
        verifiable now). An event of an unknown email or attempt is logged and otherwise ignored.
        """
        receiver = self.receivers.get(provider)
        if receiver is None:
            raise NotFound(f"no provider {provider!r} is configured")
        self._authenticate(provider, receiver, webhook)
        told = receiver.parse(webhook)
        if isinstance(told, Subscription):
            self.confirm(told.url)
            log.info("subscription confirmed", extra={"provider": provider})
            return
        by_email: dict[str, list[Event]] = defaultdict(list)
        for event in told:
            by_email[event.email_id].append(event)
        with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
            for _ in pool.map(self._record_email, by_email, by_email.values()):
                pass  # an exception of any email surfaces here: the provider sends all again, which changes nothing
        self.monitor.flush()

    def _authenticate(self, provider: str, receiver: Receiver, webhook: Webhook) -> None:
        now_s = self.clock()
        nonce = receiver.verify(webhook, now_s)
        if nonce and not self.nonces.admit(provider, nonce, now_s):
            raise Unauthenticated("this signature was already used for another body")

    def _record_email(self, email_id: str, events: list[Event]) -> None:
        steps: list[_Step] = []
        head = email_id and rewrite(self.heads, self.clock, email_id, lambda h, now: self._fold(h, events, now, steps))
        if not head:
            log.warning("webhook for an unknown email", extra={"email_id": email_id, "events": len(events)})
            return
        kept = [event for event in events if belongs(head, event)]
        if len(kept) < len(events):
            unknown = len(events) - len(kept)
            log.warning("webhook for an unknown attempt", extra={"email_id": email_id, "events": unknown})
        now_ms = int(self.clock() * 1000)
        for step in steps:
            _log(step)
            if step.suppresses:
                self.suppress(from_event(step.event, now_ms))
        self.events.put(kept, head.ttl_s)
        announce(self.publish, self.clock, head)
        for step in steps:
            self.monitor.count(step.event.provider, step.called_at_ms, step.sums)

    def _fold(self, head: Head, events: list[Event], now_ms: int, steps: list["_Step"]) -> Head:
        steps.clear()  # another writer was faster: all again
        for event in events:
            before = head
            head = self.rules.with_event(head, event, now_ms)
            if event.recipient and belongs(before, event):
                steps.append(_Step.between(before, event, head))
        return head


@dataclass(frozen=True, slots=True)
class _Step:
    """What one event did to its recipient."""

    event: Event
    was: Status
    now: Status
    suppresses: bool
    called_at_ms: int
    sums: Sums

    @classmethod
    def between(cls, before: Head, event: Event, after: Head) -> "_Step":
        recipient, attempt = before.recipients[event.recipient], before.attempts[event.attempt - 1]
        known = recipient.facts.get(event.attempt, frozenset())
        return cls(
            event,
            recipient.status,
            after.recipients[event.recipient].status,
            rule(recipient, News.of(event)).suppress,
            attempt.started_at_ms,
            reported(
                event.kind,
                first=not known & {Fact.DELIVERED, Fact.FAILED},
                after_ms=event.at_ms - attempt.started_at_ms,
            ),
        )


def _log(step: _Step) -> None:
    log.info(
        "event",
        extra={
            "email_id": step.event.email_id,
            "attempt": step.event.attempt,
            "provider": step.event.provider,
            "kind": step.event.kind.value,
            "was": step.was.value,
            "is": step.now.value,
        },
    )
