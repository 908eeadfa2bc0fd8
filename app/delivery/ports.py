"""What the use cases need from outside, as protocols in terms of the domain. `app.wiring` passes the real parts in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from app.domain.calls import NO_CALLS, Calls
from app.domain.counts import Sums
from app.domain.dispatch import DispatchContext
from app.domain.email import Content, Message
from app.domain.event import Nonce, ProviderEvent, Subscription, Webhook
from app.domain.head import Head
from app.domain.health import Health
from app.domain.lane import Lane
from app.domain.listing import Position
from app.domain.outcome import Outcome
from app.domain.suppression import Entry, Suppression

Clock = Callable[[], float]  # epoch seconds


Cursor = dict[str, Any]  # where to read on; its content is the store's own business


class HeadStore(Protocol):
    """Stores heads. Reads are strongly consistent, writes are conditional."""

    def create(self, head: Head, now_ms: int) -> Head | None:
        """Store a new head and return it as stored. Returns None if this email has one already."""

    def update(self, head: Head, now_ms: int) -> Head | None:
        """Replace the stored head that `head` was read from. Returns None if another writer did so first."""

    def get(self, email_id: str) -> Head | None:
        """The head as it is stored now. Returns None if there is none."""

    def get_many(self, email_ids: list[str]) -> list[Head]:
        """The heads of those ids that exist, in the order of the ids, of which there are 100 at most."""

    def due(
        self, partition: str, now_ms: int, limit: int, after: Cursor | None = None
    ) -> tuple[list[str], Cursor | None]:
        """The ids of emails that are due, longest due first, behind `after`; and where to read on (None: nowhere)."""

    def waiting(
        self, partition: str, now_ms: int, limit: int, after: Cursor | None = None
    ) -> tuple[list[str], Cursor | None]:
        """As `due`, but all that become due after `now_ms`; some that are due already may be among them."""

    def created(self, partition: str, before_ms: int | None) -> Iterator[Position]:
        """Each position of that partition of all emails, newest first, up to and including `before_ms`."""


class HealthStore(Protocol):
    """Stores health, which is written conditionally, and counts, which are only added to."""

    def get(self, provider: str) -> Health:
        """A provider's health, by a strongly consistent read."""

    def get_many(self, providers: Iterable[str]) -> dict[str, Health]:
        """The health of each provider by name, by an eventually consistent read."""

    def update(self, health: Health) -> Health | None:
        """Replace the stored health. Returns None if another writer did so since `health` was read."""

    def add_minute(
        self, provider: str, epoch: int, minute: int, sums: Sums, now_s: float, calls: Calls = NO_CALLS
    ) -> Sums:
        """Add `sums` and `calls` to the counts of that minute of the Unix epoch, and return its sums."""

    def mark_judged(self, provider: str, epoch: int, minute: int) -> bool:
        """Mark a minute whose counts exist as judged. Returns False if it was marked before."""

    def minutes(self, provider: str, epoch: int, first: int, last: int) -> Sums:
        """The counts of the minutes from `first` to `last`, both included, added up."""

    def newest_minutes(self, provider: str, epoch: int, first: int, last: int) -> Iterator[tuple[int, Sums]]:
        """Each of these minutes that has counts, with its counts, newest first. They are read as they are taken."""


class PlaceStore(Protocol):
    """Stores which places of an account's days and seconds are taken, by conditional writes."""

    def taken(self, account: str, day: int) -> int:
        """How many places of that day of the Unix epoch (UTC) are taken."""

    def take(self, account: str, day: int, count: int, cap: int, now_s: float) -> bool:
        """Take `count` places of that day. Returns False, and takes none, if fewer are left under `cap`."""

    def give_back(self, account: str, day: int, count: int) -> None:
        """Give back `count` places that were taken of that day."""

    def add(self, account: str, day: int, count: int, now_s: float) -> None:
        """Count `count` places of that day as taken, whatever its cap."""

    def book(self, account: str, second: int, count: int, cap: int, room: int | None = None) -> bool:
        """Take `count` places of that second, or of as many whole seconds as they fill. False: they are not free.

        Those of others included, at most `room` (None: `cap`) are taken then, unless the second was empty.
        """

    def turn(self, account: str, count: int, a_second: int, first: int, lane: Lane = Lane.NORMAL) -> int:
        """Give out the next turn of a lane, of `count` places, and return its second, which is `first` or later.

        At most `a_second` places are given out as turns of one second.
        """

    def next_turn(self, account: str, a_second: int, lane: Lane = Lane.NORMAL) -> int:
        """The second of the lane's next turn, if one was given out lately; otherwise one that is over."""


class CursorStore(Protocol):
    """Keeps where the last sweep stopped in each partition, so that the next one goes on there."""

    def get(self) -> dict[str, Cursor]:
        """The cursors by partition. One that was swept to its end has none."""

    def put(self, cursors: dict[str, Cursor]) -> None:
        """Replace the stored cursors."""


LoadContent = Callable[[], Content | None]


class ContentStore(Protocol):
    """Stores what belongs to an email beside its head. The request that made the head, `accepted_by`, names it."""

    def put(self, head: Head, content: Content) -> None:
        """As `put_many`, for one email. Raises what keeps it from being stored."""

    def put_many(self, emails: Sequence[tuple[Head, Content]]) -> list[Exception | None]:
        """Store the contents of new heads, and the entries by which their recipients and their tags find the emails.

        Returns for each email why not all of it is stored, or None if it is.
        """

    def keep(self, head: Head, now_ms: int) -> None:
        """Keep all that `put` has stored until the `ttl_s` of this head, which is later than before.

        Raises ServiceUnavailable if not all of it is stored.
        """

    def open(self, email_id: str) -> tuple[Head | None, LoadContent]:
        """The head as it is stored now (None: there is none), and a function that loads the content.

        The function returns None if the content is missing or damaged.
        """


class KeyStore(Protocol):
    """Remembers which email each idempotency key was used for."""

    def name(self, project: str, key: str, email_id: str, ttl_s: int, now_s: float) -> tuple[str, int]:
        """Let the key of `project` name `email_id` until `ttl_s` (epoch seconds), unless it names one already.

        Returns the email that it names then, and until when.
        """

    def keep(self, hashed: str, email_id: str, ttl_s: int) -> None:
        """Let the key of that hash name its email until `ttl_s`, if it names it still, and not for longer already."""


class EventStore(Protocol):
    """Stores the providers' events, for the story."""

    def put(self, events: Iterable[ProviderEvent], heads: Mapping[str, Head], now_ms: int) -> None:
        """Store events, each as long as its email's head, by id, is kept. To store them again changes nothing."""

    def keep(self, email_id: str, ttl_s: int) -> None:
        """Keep all events of an email until that epoch second."""

    def of(self, email_id: str) -> list[ProviderEvent]:
        """The events of an email that can be read, in the order of the providers' times."""


class SuppressionLookup(Protocol):
    """Our suppression list."""

    def among(self, addresses: Iterable[str], now_ms: int, project: str) -> Mapping[str, Suppression]:
        """Which of `addresses` (lower-case) are suppressed now, each with its suppression.

        A suppression counts if it is for all projects or for `project`.
        """

    def entries(self, addresses: Iterable[str], project: str) -> Mapping[str, Entry]:
        """What is known of each of `addresses` (lower-case), for all projects and for `project` together, by address.

        Addresses of which nothing is known are left out.
        """


class CollapseStore(Protocol):
    """Keeps which email is the newest of those that replace each other."""

    def create(self, head: Head, now_ms: int) -> Head | None:
        """Store a new head and make it the newest email of its scope, both or neither, and return it as stored.

        Returns None if this email has a head already. Raises ServiceUnavailable if the store does not take both.
        """

    def newest(self, scope: str) -> str | None:
        """The id of the newest email of `scope`, by the order in which the store took them."""


class NonceStore(Protocol):
    """Remembers the one-time tokens of webhooks, so that none can be used for a second body."""

    def admit(self, provider: str, nonce: Nonce, now_s: float) -> bool:
        """Remember the token. Returns False if it was used for another body before."""


class Send(Protocol):
    """Makes one provider call."""

    def __call__(self, provider: str, message: Message) -> Outcome:
        """Send through that provider. Never raises for what the provider or the network did: that is an outcome."""


class ReadContext(Protocol):
    """Reads what an email's next step depends on beside the email itself.

    This is the email's route, which of its recipients are suppressed, and whether a newer email replaces it.
    """

    def __call__(self, head: Head) -> DispatchContext:
        """The context of `head` at this moment."""


class Receiver(Protocol):
    """Proves and reads the webhooks of one account."""

    def verify(self, webhook: Webhook, now_s: float) -> Nonce | None:
        """Prove who sent the webhook. Raises Unauthenticated, or ServiceUnavailable if it cannot be checked now."""

    def parse(self, webhook: Webhook) -> list[ProviderEvent] | Subscription:
        """What a verified webhook says: its events, or a subscription to confirm."""
