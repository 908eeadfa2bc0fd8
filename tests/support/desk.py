"""The verbs over the real store and the real queue, with a clock to move and providers to plan."""

from collections.abc import Mapping, Sequence
from functools import partial

from app.delivery.accept import Accept
from app.delivery.attempt import Attempt
from app.delivery.cancel import Cancel
from app.delivery.explain import Explain
from app.delivery.monitor import Monitor
from app.delivery.ports import Receiver
from app.delivery.read import Read
from app.delivery.record import Record
from app.delivery.survey import Surveyor
from app.delivery.sweep import Sweep
from app.domain.eligibility import Capability, verdicts
from app.domain.email import Email
from app.domain.event import Event
from app.domain.head import Head, Recipient
from app.domain.health import resumed
from app.domain.kinds import Cause, Kind
from app.domain.progress import Rules
from app.domain.standing import DAY_MS, Routing
from app.store.collapses import Collapses
from app.store.content import Contents
from app.store.cursors import Cursors
from app.store.events import Events
from app.store.heads import SHARDS, Heads
from app.store.health import Healths, SumsItem
from app.store.nonces import Nonces
from app.store.recipients import Recipients
from app.store.suppressions import Suppressions
from tests.support.aws import BUCKET, Aws
from tests.support.clock import Clock
from tests.support.providers import Plain, Post, webhook

PROVIDERS = ("sendgrid", "mailgun", "ses")
LEASE_S = 30
UNCERTAIN_WAIT_S = 60


class Desk:
    """One team's EmailsMinder. Replace a part with `dataclasses.replace(desk.attempt, heads=…)`."""

    def __init__(
        self,
        aws: Aws,
        *,
        providers: Sequence[str] = PROVIDERS,
        retry_for_s: int = 14_400,
        routing: Routing | None = None,
        capabilities: Mapping[str, Capability] | None = None,
        idempotent: Sequence[str] = (),
    ) -> None:
        self.aws = aws
        self.clock = Clock()
        self.queue = aws.queue()
        self.post = Post()
        self.confirmed: list[str] = []
        self.taken: set[str] = set()
        self.heads, self.events, self.recipients = Heads(), Events(), Recipients()
        self.healths, self.suppressions, self.collapses = Healths(), Suppressions(), Collapses()
        self.contents = Contents(lambda: aws.s3, BUCKET)
        self.rules = Rules(providers, UNCERTAIN_WAIT_S * 1000, dict.fromkeys(idempotent, DAY_MS))
        self.routing = routing or Routing(tuple(providers))
        forget_health()
        self.monitor = self.another_monitor()
        self.survey = Surveyor(self.monitor, self.routing, self.suppressions, self.collapses, self.clock)
        publish, shards = self.queue.topic.publish, range(SHARDS)
        receivers: Mapping[str, Receiver] = {name: Plain() for name in providers}
        eligible = partial(verdicts, capabilities or dict.fromkeys(providers, Capability(1000, 30_000_000)))
        self.accept = Accept(
            self.heads,
            self.contents,
            self.recipients,
            publish,
            self.clock,
            retry_for_s,
            eligible,
            self.collapses,
        )
        self.attempt = Attempt(
            self.heads,
            self.contents,
            self.post,
            publish,
            self.clock,
            self.rules,
            self.survey,
            self.monitor,
            self.suppressions.put,
            LEASE_S,
        )
        self.record = Record(
            receivers,
            self.heads,
            self.events,
            Nonces(3600),
            publish,
            self.confirmed.append,
            self.clock,
            self.rules,
            self.monitor,
            self.suppressions.put,
        )
        self.cancel = Cancel(self.heads, self.clock, self.rules)
        self.read = Read(self.heads, self.events, self.recipients, shards)
        self.cursors = Cursors()
        self.sweep = Sweep(self.heads, self.cursors, publish, self.clock, shards, self.monitor)
        self.explain = Explain(self.survey, eligible)

    def another_monitor(self) -> Monitor:
        """What another process knows and counts of the same providers."""
        return Monitor(self.healths, self.routing.providers, self.clock, self.routing.caps)

    def take(self, email: Email, key: str | None = None) -> str:
        """Accept an email; its id."""
        email_id = self.accept(email, owner="team", key=key).head.email_id
        self.taken.add(email_id)
        return email_id

    def published(self) -> list[tuple[str, int]]:
        """Take this desk's messages off the queue; a sweep also finds what other tests left in the table."""
        return [found for found in self.queue.published() if found[0] in self.taken]

    def work(self) -> list[tuple[str, int]]:
        """Be the worker until the queue is empty; what was worked on."""
        worked: list[tuple[str, int]] = []
        while found := self.published():
            for email_id, number in found:
                self.attempt(email_id, number)
            worked += found
        return worked

    def later(self, seconds: float) -> list[tuple[str, int]]:
        """Let time pass, sweep, and work; what was worked on."""
        self.clock.advance(seconds)
        self.sweep(within_s=60)
        return self.work()

    def head(self, email_id: str) -> Head:
        head = self.heads.get(email_id)
        assert head is not None
        return head

    def only(self, email_id: str) -> Recipient:
        """The recipient of an email that has one."""
        (recipient,) = self.head(email_id).recipients.values()
        return recipient

    def event(
        self,
        email_id: str,
        kind: Kind,
        *,
        attempt: int | None = None,
        to: str | None = None,
        cause: Cause | None = None,
        event_id: str = "",
    ) -> Event:
        """What the provider of that attempt (without one: the last) says of one recipient (without one: the first)."""
        head = self.head(email_id)
        about = head.attempts[(attempt or len(head.attempts)) - 1]
        return Event(
            provider=about.provider,
            kind=kind,  # type: ignore[arg-type] # because tests name kinds of event only
            email_id=email_id,
            attempt=about.number,
            recipient=to or about.recipients[0],
            at_ms=self.clock.now_ms,
            event_id=event_id,
            message_id=about.message_id,
            cause=cause,
            detail=f"{kind.value} by the host",
        )

    def resume(self, provider: str) -> None:
        """What an operator does, in another process."""
        self.another_monitor().change(provider, resumed)

    def report(self, *events: Event) -> None:
        """Deliver the webhook of these events, which are of one provider."""
        self.record(events[0].provider, webhook(events))


def forget_health() -> None:
    """Every provider as new: tests share tables, and one test's outage is not the next one's."""
    with SumsItem.batch_write() as batch:
        for item in SumsItem.scan(consistent_read=True):
            batch.delete(item)
