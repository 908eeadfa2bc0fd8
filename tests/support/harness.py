"""The use cases over the emulated store and queue, with a clock to move and providers that answer as scripted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from app.delivery.monitor import Monitor
from app.delivery.watchdog import Watchdog
from app.domain.capability import Capability
from app.domain.due import due_at_ms
from app.domain.email import Email
from app.domain.event import ProviderEvent
from app.domain.head import Head, Recipient
from app.domain.health import resume
from app.domain.kinds import Cause, Kind
from app.domain.route import Routing
from app.domain.suppression import Suppression
from app.settings import Settings
from app.store.head_items import HeadItem
from app.store.health import SumsItem
from app.store.idempotency import KeyItem
from app.store.places import PlaceItem
from app.store.suppression_items import SuppressionItem
from app.wiring.parts import Container, build
from app.wiring.stores import Stores
from tests.support.aws import BUCKET, Aws
from tests.support.clock import Clock
from tests.support.environment import ADDRESS_SECRET
from tests.support.limits import limits_of
from tests.support.providers import PlainReceiver, ScriptedSend, webhook

PROVIDERS = ("sendgrid", "mailgun", "ses")
LEASE_S = 30
UNCERTAIN_WAIT_S = 60
DAY_S = 24 * 3600
ANYTHING = Capability(1000, 30_000_000)


class Harness:
    """One installation, built by the product's own builder. Each use case is an attribute.

    A test replaces a part of one with `dataclasses.replace(harness.attempt, heads=…)`.
    """

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
        self.monotonic = Clock()  # stands still: the clocks of a test disagree only where the test says so
        self.queue = aws.queue()
        self.send = ScriptedSend()
        self.confirmed: list[str] = []
        self.taken: set[str] = set()
        self.stores = Stores.over(lambda: aws.s3, BUCKET, ADDRESS_SECRET)
        self.delayed: list[tuple[int, str, int]] = []  # messages that come later: when in ms, and what they ask for
        self.heads, self.contents, self.events = self.stores.heads, self.stores.contents, self.stores.events
        self.recipients, self.collapses = self.stores.recipients, self.stores.collapses
        self.healths, self.suppressions = self.stores.healths, self.stores.suppressions
        self.cursors = self.stores.cursors
        self.routing = routing or Routing(tuple(providers))
        self.settings = settings(providers, retry_for_s, self.routing, capabilities or {})
        self._receivers = receivers(providers, capabilities or {}, idempotent)
        forget_health()
        self.build()

    def build(self, **stores: Any) -> None:
        """Build every use case, with these stores in the place of the real ones."""
        parts = self.another_process(**stores)
        self.monitor, self.partitions = parts.monitor, parts.partitions
        self.places = parts.attempt.capacity.places
        self.accept, self.attempt, self.record = parts.accept, parts.attempt, parts.record
        self.cancel, self.read, self.sweep, self.explain = parts.cancel, parts.read, parts.sweep, parts.explain
        self.reschedule, self.retry = parts.reschedule, parts.retry
        assert isinstance(self.sweep.watchdog, Watchdog)
        self.sweep.watchdog.heads = OwnHeads(self)
        self.read_context = self.attempt.read_context
        self.protocol = self.attempt.protocol

    def another_process(self, **stores: Any) -> Container:
        """The use cases of another process over the same stores, or over these."""
        return build(
            self.settings,
            self.queue.topic.publish,
            self.send,
            self.clock,
            stores=replace(self.stores, **stores),
            publish_many=self.queue.topic.publish_many,
            providers=self._receivers,
            confirm=lambda _, url: self.confirmed.append(url),
            monotonic=self.monotonic,
            publish_later=lambda email_id, number, at_ms, _: self.delayed.append((at_ms, email_id, number)),
            wait=self.clock.advance,
        )

    def another_monitor(self) -> Monitor:
        """A monitor of the same providers in another process, which knows and counts for itself."""
        return Monitor(self.healths, self.routing.providers, self.clock, self.monotonic)

    def judge(self) -> None:
        """Let a watchdog of another process look at the providers."""
        Watchdog(self.healths, OwnHeads(self), self.another_monitor(), self.clock, self.partitions.created)()

    def take(self, email: Email, key: str | None = None) -> str:
        """Accept an email. Returns its id."""
        email_id = self.accept(email, project="team", key=key).head.email_id
        self.taken.add(email_id)
        return email_id

    def published(self) -> list[tuple[str, int]]:
        """Take this harness's messages off the queue. A sweep also publishes what other tests left in the table."""
        come = sorted(message for message in self.delayed if message[0] <= self.clock.now_ms)
        self.delayed = [message for message in self.delayed if message not in come]
        found = [*self.queue.published(), *((email_id, number) for _, email_id, number in come)]
        return [message for message in found if message[0] in self.taken]

    def work(self) -> list[tuple[str, int]]:
        """Make attempts until the queue is empty. Returns the messages that were worked on."""
        worked: list[tuple[str, int]] = []
        while found := self.published():
            for email_id, number in found:
                self.attempt(email_id, number)
            worked += found
        return worked

    def later(self, seconds: float) -> list[tuple[str, int]]:
        """Let time pass, sweep, and make attempts. Returns the messages that were worked on."""
        self.clock.advance(seconds)
        self.sweep(within_s=60)
        return self.work()

    def until_due(self, email_id: str) -> bool:
        """Let time pass until the email is due, and make the attempts that follow. Returns False if it never is due.

        A sweep would find the same email at that time; it takes longer, because it looks for all others, too.
        """
        self.work()
        due_ms = due_at_ms(self.head(email_id), self.clock.now_ms)
        if due_ms is None:
            return False
        self.clock.now_s = max(self.clock.now_s, due_ms / 1000)
        self.attempt(email_id, self.head(email_id).next_attempt)
        self.work()
        return True

    def head(self, email_id: str) -> Head:
        head = self.heads.get(email_id)
        assert head is not None
        return head

    def only(self, email_id: str) -> Recipient:
        """The only recipient of an email."""
        (recipient,) = self.head(email_id).recipients.values()
        return recipient

    def suppression(self, address: str, project: str = "team") -> Suppression | None:
        """What stops the mail of a project to an address now."""
        return self.suppressions.among([address], self.clock.now_ms, project).get(address)

    def lift(self, address: str) -> None:
        """Let emails go to an address again, whatever stopped those of the project `team`."""
        for project in ("", "team"):
            self.suppressions.lift(address, self.clock.now_ms, project)

    def event(
        self,
        email_id: str,
        kind: Kind,
        *,
        attempt: int | None = None,
        to: str | None = None,
        cause: Cause | None = None,
        event_id: str = "",
    ) -> ProviderEvent:
        """An event of the provider of `attempt` (default: the last) about its recipient `to` (default: the first)."""
        head = self.head(email_id)
        about = head.made(attempt or head.attempts[-1].number)
        return ProviderEvent(
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
        """Resume a provider as an operator does, in another process."""
        self.another_monitor().update(provider, partial(resume, now_ms=self.clock.now_ms))

    def report(self, *events: ProviderEvent) -> None:
        """Record a webhook with these events, which must be of one provider."""
        self.record(events[0].provider, webhook(events))


class OwnHeads:
    """The heads of a harness's own emails: tests share tables, and one test's emails say nothing in the next."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness

    def created(self, partition: str, before_ms: int | None) -> Iterator[tuple[int, str]]:
        found = self._harness.heads.created(partition, before_ms)
        return (pair for pair in found if pair[1] in self._harness.taken)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._harness.heads, name)


def settings(
    providers: Sequence[str], retry_for_s: int, routing: Routing, capabilities: Mapping[str, Capability]
) -> Settings:
    """Settings with these providers. The process's own environment is not read."""
    read = Settings.from_env(
        {
            "PROVIDERS": ",".join(providers),
            "RETRY_FOR_S": str(retry_for_s),
            "UNCERTAIN_WAIT_S": str(UNCERTAIN_WAIT_S),
            "WORKER_TIMEOUT_S": "20",
        }
    )
    domains = {name: capabilities[name].from_domains if name in capabilities else () for name in providers}
    return replace(read, routing=routing, from_domains=domains)


def receivers(
    providers: Sequence[str], capabilities: Mapping[str, Capability], idempotent: Sequence[str]
) -> dict[str, PlainReceiver]:
    """Providers with these capabilities, whose `organization` is that of the domain that signs for them.

    The idempotent ones know an idempotency key for a day.
    """
    able = {name: capabilities.get(name, ANYTHING) for name in providers}
    return {
        name: PlainReceiver(
            limits_of(capability, idempotent_for_s=DAY_S if name in idempotent else 0), capability.organization
        )
        for name, capability in able.items()
    }


def forget_health() -> None:
    """Delete all health and counts, because tests share tables and one test's outage must not affect the next."""
    with SumsItem.batch_write() as batch:
        for item in SumsItem.scan(consistent_read=True):
            batch.delete(item)


def forget_everything() -> None:
    """Delete all emails, places and suppressions. Runs use the same tables and ids, and must not affect each other."""
    for model in (HeadItem, KeyItem, PlaceItem, SuppressionItem):
        with model.batch_write() as batch:
            for item in model.scan():
                batch.delete(item)
