"""record: verify a provider's webhook, write its events into the heads, keep them, and publish whoever is queued again.

The head is written before the event's own item. After a crash in between, the provider sends the webhook again, and
recording an event twice changes nothing.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from app.delivery.marked import marked
from app.delivery.our_faults import OurFaults
from app.delivery.places import PlaceTaker
from app.delivery.ports import Clock, EventStore, HeadStore, NonceStore, Receiver
from app.delivery.queue_ports import PublishMany
from app.delivery.rewrite import publish_those_ready, rewrite
from app.delivery.steps import Change, Events, Step
from app.delivery.traced import TraceEvents, untraced
from app.delivery.watching import Watches
from app.domain.event import ProviderEvent, Subscription, Webhook
from app.domain.findings import Finding, from_event
from app.domain.head import Head
from app.domain.kinds import Kind
from app.domain.own_lists import event_with_list
from app.domain.protocol import DeliveryProtocol, is_about
from app.errors import NotFound, ServiceUnavailable, Unauthenticated

log = logging.getLogger(__name__)

# What is true of an address though we know nothing of the email. A mailbox is dead whoever wrote to it. A complaint or
# an unsubscribe may be about mail that is not ours, unless the provider sends our ids back with it: then the email is
# gone, as heads are after days, while complaints take months; or it is there and was sent to that address, and only the
# attempt is unknown, because its number was lost or the account has another name by now.
PROVED_BY_ANYBODY: Final = frozenset({Kind.HARD_BOUNCE})
PROVED_BY_OUR_IDS: Final = frozenset({Kind.HARD_BOUNCE, Kind.COMPLAINED, Kind.UNSUBSCRIBED, Kind.RESUBSCRIBED})
TOGETHER = 100  # emails of one webhook whose heads are read at once, and whose events are stored at once
SIDE_BY_SIDE = 16  # of these, so many heads are written at the same time


@dataclass(frozen=True)
class Record:
    """Records one webhook of one provider."""

    receivers: Mapping[str, Receiver]
    attribute: Callable[[Sequence[ProviderEvent]], Sequence[ProviderEvent]]  # finds the attempts of those without ids
    heads: HeadStore
    events: EventStore
    nonces: NonceStore
    publish_many: PublishMany
    confirm: Callable[[str, str], None]  # a subscription of an account, by its URL; raises ServiceUnavailable
    clock: Clock
    protocol: DeliveryProtocol
    monitor: Watches
    places: PlaceTaker
    suppress: Callable[[Finding], object]
    our_faults: OurFaults
    only_project: Callable[[], str]  # that of an email that is gone; "" if it may have been one of several
    trace: TraceEvents = untraced
    own_lists: Mapping[str, str] = field(default_factory=dict)  # where each provider's own suppression list is cleared

    def __call__(self, provider: str, webhook: Webhook) -> None:
        """Record everything in `webhook`.

        Raises NotFound (no such provider), Unauthenticated (the sender cannot be proved), ServiceUnavailable (not
        verifiable now). An event of an unknown email or attempt is counted, and its address is judged all the same.
        """
        receiver = self.receivers.get(provider)
        if receiver is None:
            self.our_faults.refused(provider, webhook)
            raise NotFound(f"no provider {provider!r} is configured")
        try:
            self._authenticate(provider, receiver, webhook)
        except (Unauthenticated, ServiceUnavailable):
            self.our_faults.refused(provider, webhook)
            raise
        is_recorded = False
        try:
            self._record(provider, receiver.parse(webhook))
            is_recorded = True
        finally:
            if not is_recorded:
                self.our_faults.count(provider)
        self.monitor.flush()

    def _record(self, provider: str, content: list[ProviderEvent] | Subscription) -> None:
        if isinstance(content, Subscription):
            self.confirm(provider, content.url)
            log.info("subscription confirmed", extra={"provider": provider})
            return
        self.record(provider, content)

    def record(self, provider: str, content: Sequence[ProviderEvent]) -> None:
        """Record these events of `provider`, which are proved. To record an event again changes nothing."""
        by_email: dict[str, Events] = defaultdict(list)
        where = self.own_lists.get(provider, "")
        for event in self.attribute([event_with_list(event, where) for event in content]):
            by_email[event.email_id].append(event)
        emails = list(by_email.items())
        if len(emails) == 1:  # as it mostly is: a pool of threads would cost as much as a call of the store
            self._finish([self._change(provider, *emails[0], None)])
            return
        failures: list[BaseException] = []
        with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
            for start in range(0, len(emails), TOGETHER):
                try:
                    failures += self._record_emails(provider, emails[start : start + TOGETHER], pool)
                except Exception as failure:  # noqa: BLE001 because the emails after these are others
                    failures.append(failure)
        if failures:
            raise failures[0]  # the provider then sends the whole webhook again

    def _record_emails(
        self, provider: str, emails: list[tuple[str, Events]], pool: ThreadPoolExecutor
    ) -> list[BaseException]:
        """Record the events of several emails. Returns what some of them failed with, after all others are done."""
        heads = {head.email_id: head for head in self.heads.get_many([email_id for email_id, _ in emails if email_id])}
        # Each in a copy of the context, which knows the request: by it the email's span is linked with that one.
        changes = [partial(self._change, provider, *one, heads.get(one[0])) for one in emails]
        changing = [pool.submit(copy_context().run, change) for change in changes]
        self._finish([change.result() for change in changing if change.exception() is None])
        return [failure for change in changing if (failure := change.exception())]

    def _authenticate(self, provider: str, receiver: Receiver, webhook: Webhook) -> None:
        now_s = self.clock()
        nonce = receiver.verify(webhook, now_s)
        if nonce and not self.nonces.admit(provider, nonce, now_s):
            raise Unauthenticated("this signature was already used for another body")

    def _change(self, provider: str, email_id: str, events: Events, known: Head | None) -> Change:
        """Write events into the head of their email, and judge the addresses. `known` is the head, if it was read."""
        known = known or (self.heads.get(email_id) if email_id else None)
        with self.trace(known, provider, events):
            return self._write(provider, email_id, events, known)

    def _write(self, provider: str, email_id: str, events: Events, known: Head | None) -> Change:
        steps: list[Step] = []
        change = partial(self._apply, events=events, steps=steps)
        head = rewrite(self.heads, self.clock, email_id, change, known) if known else None
        if head is None:
            self._judge_addresses(events, PROVED_BY_OUR_IDS if email_id else PROVED_BY_ANYBODY, self.only_project())
            fields = {"provider": provider, "email_id": email_id, "events": len(events)}
            log.warning("webhook for an unknown email", extra=fields)
            return Change(None, [], [])
        kept = [event for event in events if is_about(head, event)]
        if len(kept) < len(events):
            for event in events:
                if not is_about(head, event):
                    is_ours = event.recipient in head.recipients
                    self._judge_addresses([event], PROVED_BY_OUR_IDS if is_ours else PROVED_BY_ANYBODY, head.project)
            fields = {"provider": provider, "email_id": email_id, "events": len(events) - len(kept)}
            log.warning("webhook for an unknown attempt", extra=fields)
        now_ms = int(self.clock() * 1000)
        for step in steps:
            log.info("event", extra={**step.fields, **marked(head)})
            if step.judges:
                about = {"email_ms": head.lived_from_ms(step.called_at_ms), "called_ms": step.called_at_ms}
                self.suppress(from_event(step.event, now_ms, **about, project=head.project))
        return Change(head, kept, steps)

    def _finish(self, changes: Sequence[Change]) -> None:
        """Store the events of heads that were written, publish whoever is queued again, and count."""
        heads = [change.head for change in changes if change.head is not None]
        kept = [event for change in changes for event in change.kept]
        self.events.put(kept, {head.email_id: head for head in heads}, int(self.clock() * 1000))
        publish_those_ready(self.publish_many, self.clock, heads)
        for step in (step for change in changes for step in change.steps):
            self.monitor.count(step.event.provider, step.called_at_ms, step.sums)
            if step.is_first_failure:
                self.monitor.record_drop(step.event)
            if step.was_sent_after_all:
                self.places.count_late(step.event.provider, step.called_at_ms)

    def _judge_addresses(self, events: Events, proved: frozenset[Kind], project: str) -> None:
        """Update the suppression list from events of unknown attempts, but only for the kinds in `proved`."""
        now_ms = int(self.clock() * 1000)
        for event in events:
            if event.kind in proved and event.recipient and not event.scope:
                self.suppress(from_event(event, now_ms, project=project))

    def _apply(self, head: Head, now_ms: int, events: Events, steps: list[Step]) -> Head:
        steps.clear()  # those of a write that lost to another writer
        for event in events:
            before = head
            head = self.protocol.record_event(head, event, now_ms)
            if event.recipient and is_about(before, event):
                steps.append(Step.of(before, event, head, now_ms))
        return head
