"""What the use cases need from outside, as protocols in terms of the domain. `app.wiring` passes the real parts in."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from app.domain.dispatch import DispatchContext
from app.domain.email import Content, Message
from app.domain.event import Nonce, ProviderEvent, Subscription, Webhook
from app.domain.head import Head
from app.domain.outcome import Outcome

Clock = Callable[[], float]  # epoch seconds


Cursor = dict[str, Any]  # where to read on; only the store knows what is in it


class HeadStore(Protocol):
    """Strongly consistent reads, conditional writes."""

    def create(self, head: Head, now_ms: int) -> Head | None:
        """Put a new head; None if there is one."""

    def update(self, head: Head, now_ms: int) -> Head | None:
        """Replace the head that `head` was read from; None if somebody else did."""

    def get(self, email_id: str) -> Head | None:
        """The head as it stands."""

    def get_many(self, email_ids: list[str]) -> list[Head]:
        """Those of the heads that exist, in order; at most 100."""

    def due(self, shard: int, now_ms: int, limit: int, after: Cursor | None = None) -> tuple[list[str], Cursor | None]:
        """Ids of emails that are due, longest due first, behind `after`; and where to read on."""

    def created(self, shard: int, before_ms: int | None) -> Iterator[tuple[int, str]]:
        """(created_at in ms, id), newest first."""


class CursorStore(Protocol):
    """Where the last sweep stopped."""

    def get(self) -> dict[int, Cursor]:
        """By shard; none: it came to the end."""

    def put(self, cursors: dict[int, Cursor]) -> None:
        """Remember."""


class ContentStore(Protocol):
    """Contents by email and fingerprint."""

    def put(self, email_id: str, fingerprint: str, content: Content, ttl_s: int) -> None:
        """Store; idempotent."""

    def get(self, email_id: str, fingerprint: str) -> Content:
        """What was put."""


class EventStore(Protocol):
    """The providers' events, for the story."""

    def put(self, events: Iterable[ProviderEvent], ttl_s: int) -> None:
        """Keep; idempotent."""

    def of(self, email_id: str) -> list[ProviderEvent]:
        """In the order of the providers' times."""


class RecipientStore(Protocol):
    """Emails by recipient."""

    def put(self, addresses: Iterable[str], email_id: str, created_at_ms: int, ttl_s: int) -> None:
        """Make findable; idempotent."""

    def emails_to(self, address: str, before: tuple[int, str] | None) -> Iterator[tuple[int, str]]:
        """(created_at in ms, id), newest first."""


class CollapseStore(Protocol):
    """The newest of the emails that replace each other."""

    def put(self, scope: str, email_id: str, created_at_ms: int, ttl_s: int) -> str | None:
        """Make this the newest of `scope`, unless a newer one is; returns the id of the one it replaces."""

    def newest(self, scope: str) -> tuple[int, str] | None:
        """(created_at in ms, id) of the newest of `scope`."""


class NonceStore(Protocol):
    """One-time tokens."""

    def admit(self, provider: str, nonce: Nonce, now_s: float) -> bool:
        """False: the token was used for another body."""


class Publish(Protocol):
    """The processing queue."""

    def __call__(self, email_id: str, attempt: int) -> None:
        """Ask for attempt number `attempt`. Raises ServiceUnavailable when the topic does not take it."""


class Send(Protocol):
    """Makes one provider call."""

    def __call__(self, provider: str, message: Message) -> Outcome:
        """Send through that provider. Never raises for what the provider or the network did: that is an outcome."""


class ReadContext(Protocol):
    """Reads what decides about an email beside itself: the route, suppressed recipients, newer emails."""

    def __call__(self, head: Head) -> DispatchContext:
        """As things stand now."""


class Receiver(Protocol):
    """The webhook side of a provider."""

    def verify(self, webhook: Webhook, now_s: float) -> Nonce | None:
        """Prove where it comes from. Raises Unauthenticated or Unavailable."""

    def parse(self, webhook: Webhook) -> list[ProviderEvent] | Subscription:
        """What it says."""
