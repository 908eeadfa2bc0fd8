"""The verbs over the real store and the real queue, with a clock to move and providers to plan."""

from collections.abc import Mapping, Sequence

from app.delivery.accept import Accept
from app.delivery.attempt import Attempt
from app.delivery.cancel import Cancel
from app.delivery.ports import Receiver
from app.delivery.read import Read
from app.delivery.record import Record
from app.delivery.sweep import Sweep
from app.domain.email import Email
from app.domain.event import Event
from app.domain.head import Head, Recipient
from app.domain.kinds import Cause, Kind
from app.domain.progress import Rules
from app.store.content import Contents
from app.store.events import Events
from app.store.heads import SHARDS, Heads
from app.store.nonces import Nonces
from app.store.recipients import Recipients
from tests.support.aws import BUCKET, Aws
from tests.support.clock import Clock
from tests.support.providers import Plain, Post, webhook

PROVIDERS = ("sendgrid", "mailgun", "ses")
LEASE_S = 30
UNCERTAIN_WAIT_S = 60


class Desk:
    """One team's EmailsMinder. Replace a part with `dataclasses.replace(desk.attempt, heads=…)`."""

    def __init__(self, aws: Aws, *, providers: Sequence[str] = PROVIDERS, retry_for_s: int = 14_400) -> None:
        self.aws = aws
        self.clock = Clock()
        self.queue = aws.queue()
        self.post = Post()
        self.confirmed: list[str] = []
        self.taken: set[str] = set()
        self.heads, self.events, self.recipients = Heads(), Events(), Recipients()
        self.contents = Contents(lambda: aws.s3, BUCKET)
        self.rules = Rules(providers, UNCERTAIN_WAIT_S * 1000)
        publish, shards = self.queue.topic.publish, range(SHARDS)
        receivers: Mapping[str, Receiver] = {name: Plain() for name in providers}
        self.accept = Accept(self.heads, self.contents, self.recipients, publish, self.clock, retry_for_s)
        self.attempt = Attempt(self.heads, self.contents, self.post, publish, self.clock, self.rules, LEASE_S)
        self.record = Record(
            receivers,
            self.heads,
            self.events,
            Nonces(3600),
            publish,
            self.confirmed.append,
            self.clock,
            self.rules,
        )
        self.cancel = Cancel(self.heads, self.clock, self.rules)
        self.read = Read(self.heads, self.events, self.recipients, shards)
        self.sweep = Sweep(self.heads, publish, self.clock, shards)

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

    def report(self, *events: Event) -> None:
        """Deliver the webhook of these events, which are of one provider."""
        self.record(events[0].provider, webhook(events))
