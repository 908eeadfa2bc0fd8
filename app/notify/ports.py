"""What the use cases of this package need of the outside. `app.store`, `app.outgoing` and AWS's queues implement it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from app.domain.changes import EmailChange
from app.domain.endpoint import Endpoint
from app.domain.head import Head
from app.domain.tried import Tried
from app.domain.written import EventStored, Written
from app.notify.notification import Notification

CALL_S: Final = 10.0  # the longest call to a receiver (`app.outgoing.post.TIMEOUT_S`)

PublishNotifications = Callable[[Sequence[Notification]], Sequence[tuple[Notification, str]]]
"""Publishes notifications to be posted at once. Returns those that the queue did not take, each with the reason."""

DelayNotifications = Callable[[Sequence[tuple[Notification, int]]], Sequence[tuple[int, str]]]
"""Publishes notifications, each so that it comes after so many seconds, 900 at most. Gives the place of each that was
not taken, and the reason. Raises nothing."""


Sign = Callable[[str, Sequence[int], str, int, bytes], Mapping[str, str]]
"""The headers that prove who sends a webhook: of the secrets' owner, when each generation of its secret began (ms), the
id of what is told, the time of this try in ms, and the body."""


class Answer(Protocol):
    """What a receiver answered (`app.outgoing.post.Answer`)."""

    @property
    def status_code(self) -> int | None:
        """None: nothing was answered, and `fault` says why."""

    @property
    def fault(self) -> str:
        """Why nothing was answered, in a few words."""

    @property
    def reply(self) -> str:
        """The beginning of the body."""

    @property
    def duration_ms(self) -> int:
        """How long the call took."""

    @property
    def retry_after_s(self) -> int | None:
        """How long the receiver asks not to be called again; None: it does not say."""

    @property
    def is_taken(self) -> bool:
        """Whether the webhook was taken."""


Post = Callable[[str, Mapping[str, str], bytes], Answer]
"""Posts a body with these headers to a URL, within CALL_S. A failure of the receiver is an answer."""
Record = Mapping[str, Any]
"""A record of the table's stream, as Lambda passes it on."""

ReadRecord = Callable[[Record], Written | None]
"""Reads what a stream record says was written (None: nothing of interest).
Raises Unreadable, or KeyError or ValueError if it is no such record."""


class HeadReader(Protocol):
    """Reads heads (`app.store.heads.Heads`)."""

    def get(self, email_id: str) -> Head | None:
        """The head as it is stored now, or None. Raises Unreadable."""

    def get_many(self, email_ids: list[str]) -> list[Head]:
        """The heads of those ids that exist and can be read."""


class FeedWriter(Protocol):
    """Stores the feed (`app.store.change_feed.ChangeFeed`)."""

    def add(self, changes: Sequence[EmailChange], written_ms: int) -> None:
        """Record the changes of one write, each once. Raises ServiceUnavailable or Contention if not all is stored."""


ReadFeedSince = Callable[[str, int], Iterator[Mapping[str, Any]]]
"""The entries of a project's feed that were recorded since an epoch millisecond, in their order."""


class StoredEvents(Protocol):
    """Reads the stored events of providers (`app.store.events.Events`)."""

    def stored(self, email_id: str) -> list[EventStored]:
        """The events of an email that can be read, each with the time at which it was stored."""


class EndpointStore(Protocol):
    """Stores endpoints (`app.store.endpoints.Endpoints`)."""

    def put(self, endpoint: Endpoint) -> Endpoint | None:
        """Store a new endpoint, or a changed one under its version. None: another writer came first."""

    def get(self, project: str, endpoint_id: str) -> Endpoint | None:
        """The endpoint, or None. Raises Unreadable."""

    def of(self, project: str) -> list[Endpoint]:
        """All endpoints of a project, as they are stored."""

    def all(self) -> list[Endpoint]:
        """The endpoints of all projects, as they are stored."""

    def known(self, project: str) -> list[Endpoint]:
        """As `of`, of a cache of a few seconds."""

    def delete(self, project: str, endpoint_id: str) -> bool:
        """Delete an endpoint. Returns False if there is none."""


class DeliveryLog(Protocol):
    """Keeps what became of the tries of each endpoint (`app.store.delivery_log.DeliveryLog`)."""

    def add(self, project: str, endpoint_id: str, tries: Sequence[Tried]) -> None:
        """Keep tries that were made by one run of the worker, in one item."""

    def read(self, project: str, endpoint_id: str, before: str | None, limit: int) -> tuple[list[Tried], str | None]:
        """The newest tries first, at most `limit`, before the cursor, and the cursor to go on with (None: no more)."""


class WaitingNotifications(Protocol):
    """Keeps notifications that wait longer than a queue keeps them (`app.store.waiting_notifications`)."""

    def put_all(self, due: Sequence[tuple[Notification, int]]) -> None:
        """Keep notifications, each until it is due, in epoch ms. Raises ServiceUnavailable if not all are kept."""

    def due(self, shard: int, now_ms: int, limit: int) -> Sequence[tuple[str, Notification]]:
        """Those of a shard that are due, the longest first, each with the key by which it is removed."""

    def remove(self, shard: int, keys: Sequence[str]) -> None:
        """Remove those that were published."""
