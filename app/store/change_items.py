"""The items of the feed: what one write of a head, or one event of a provider, told of an email."""

from collections.abc import Sequence
from typing import Any, Final

from pynamodb.attributes import ListAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.change_payload import payload_of
from app.domain.changes import EmailChange
from app.domain.packing import packed
from app.store.compact_json import CompactJSONAttribute, compact
from app.store.raw_items import Raw
from app.store.ttl import as_ttl

DAY_MS: Final = 86_400_000
KEPT_FOR_S: Final = 30 * 86_400
LATE_KEPT_FOR_S: Final = 3 * 86_400  # longer than the stream of a table keeps what is not processed yet
_ASKED_OF_DATA: Final = {"recipient", "status", "attempt"}
MOST_BYTES: Final = 100_000  # of an item: what is told of fifty recipients at once may take more than an item can


class ChangeItem(Model):
    """Changes that were recorded together in the feed, in the partition of a project, a day (UTC) and a shard."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    partition = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    ttl = TTLAttribute()
    changes = CompactJSONAttribute()


class LateItem(Model):
    """Under which times changes were told that came late. It lives in the table of the feed."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    partition = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    ttl = TTLAttribute()
    times: ListAttribute[Any] = ListAttribute(of=NumberAttribute)


def partition_of(project: str, day: int, shard: int) -> str:
    """The key of a partition. The name of a project holds no `#`."""
    return f"{project}#{day:06d}#{shard}"


def key_of(raw: Raw) -> str:
    """What an item of the table of the feed is found by, whatever it is."""
    return f"{raw['partition']['S']} {raw['part']['S']}"


def items_of(changes: Sequence[EmailChange], at_ms: int) -> list[ChangeItem]:
    """The items of these changes of one email, which are told under that time. They are the same whoever makes them.

    They are in the email's own shard: another number of shards leads nobody elsewhere, and readers know of that one
    since before the email was stored.
    """
    entries = [(change, written(change)) for change in changes]
    items: list[ChangeItem] = []
    for several in packed(entries, lambda one: len(compact(one[1]).encode()), MOST_BYTES):
        first, _ = several[0]
        partition = partition_of(first.project, at_ms // DAY_MS, first.shard)
        part = f"{at_ms:013d}#{first.email_id}#{first.sequence:014d}#{first.id}"
        ttl = as_ttl(at_ms / 1000 + KEPT_FOR_S)
        items.append(ChangeItem(partition, part, ttl=ttl, changes=[entry for _, entry in several]))
    return items


def written(change: EmailChange) -> dict[str, Any]:
    """A change as an entry of the feed: its id, and what a webhook would say."""
    return {"id": change.id, **payload_of(change)}


def checked(item: ChangeItem) -> ChangeItem:
    """The item, whose entries have what every reader asks of them. Raises KeyError, TypeError or ValueError."""
    for entry in item.changes:
        data = entry["data"]
        if not all(isinstance(one, str) for one in (entry["id"], entry["type"], data["email_id"])):
            raise ValueError("is no change")
        if not isinstance(data["sequence"], int) or not data.keys() >= _ASKED_OF_DATA:
            raise ValueError("is no change")
    return item
