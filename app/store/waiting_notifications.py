"""Keeps notifications that wait longer than a queue keeps them, each until the sweep publishes it again."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final, Generic, Protocol, TypeVar

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.shards import shard_of
from app.store.batches import delete_all, put_all
from app.store.change_items import key_of
from app.store.item_values import as_written, by_model, read_each
from app.store.ttl import as_ttl

# One that nobody has published for so long after its time goes: the sweep has stood still, or cannot read it.
KEPT_AFTER_S: Final = 14 * 86_400


class WaitingItem(Model):
    """One notification that waits, in the table of the feed."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    partition = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    ttl = TTLAttribute()
    notification = UnicodeAttribute()


class Waits(Protocol):
    """What is asked of a notification here (`app.notify.notification.Notification`)."""

    @property
    def event_id(self) -> str:
        """What it tells of."""

    @property
    def endpoint_id(self) -> str:
        """Whom it tells it."""

    @property
    def email_id(self) -> str:
        """The email; "" if it is about none."""

    def to_json(self) -> str:
        """The notification as text."""


Notification = TypeVar("Notification", bound=Waits)


class WaitingNotifications(Generic[Notification]):
    """Stores notifications by the time at which they are due.

    `shards` is how many partitions are written to. `read` makes a notification of its text again, or raises.
    """

    def __init__(
        self,
        shards: int,
        read: Callable[[str], Notification],
        store: Callable[[Sequence[WaitingItem]], None] = put_all,
    ) -> None:
        """`store` stores items as `batches.put_all` does."""
        self._shards, self._read, self._store = shards, read, store

    def put_all(self, due: Sequence[tuple[Notification, int]]) -> None:
        """Keep notifications, each until it is due, in epoch ms. To put one again for the same time changes nothing.

        Raises ServiceUnavailable if not all are stored.
        """
        items: dict[tuple[int, str], WaitingItem] = {}  # a batch has no item twice
        for notification, due_ms in due:
            shard, key = self.key_of(notification, due_ms)
            ttl = as_ttl(due_ms / 1000 + KEPT_AFTER_S)
            items[shard, key] = WaitingItem(_partition(shard), key, ttl=ttl, notification=notification.to_json())
        self._store(list(items.values()))

    def key_of(self, notification: Notification, due_ms: int) -> tuple[int, str]:
        """The shard that keeps a notification until then, and the key by which it is removed."""
        shard = shard_of(notification.email_id or notification.event_id, self._shards)
        return shard, f"{due_ms:013d}#{notification.event_id}#{notification.endpoint_id}"

    def due(self, shard: int, now_ms: int, limit: int, begin: str = "0") -> list[tuple[str, Notification]]:
        """Those of a shard that are due, the longest first, each with the key by which it is removed.

        Keys below `begin` are left out; a key begins with the time at which it is due, in thirteen digits.
        One that cannot be read is passed over, and stays until its time to live is over.
        """
        found = WaitingItem.query(
            _partition(shard),
            WaitingItem.part.between(begin, f"{now_ms + 1:013d}"),  # no key is as short as the upper bound
            page_size=limit,
            consistent_read=True,
        )
        read = by_model(WaitingItem, lambda item: (item.part, self._read(item.notification)))
        return list(islice(read_each(as_written(found), read, "waiting notification", key_of), limit))

    def remove(self, shard: int, keys: Sequence[str]) -> None:
        """Remove those that were published. Raises ServiceUnavailable if not all were removed."""
        delete_all(WaitingItem, [{"partition": _partition(shard), "part": key} for key in keys])


def _partition(shard: int) -> str:
    return f"waiting#{shard}"
