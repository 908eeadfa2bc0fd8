"""The items of the feed: what one write of a head, or one event of a provider, told of an email."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pynamodb.attributes import ListAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.change_payload import payload_of
from app.domain.changes import EmailChange
from app.store.compact_json import CompactJSONAttribute, compact
from app.store.ttl import as_ttl

DAY_MS: Final = 86_400_000
KEPT_FOR_S: Final = 30 * 86_400
LATE_KEPT_FOR_S: Final = 3 * 86_400  # longer than the stream of a table keeps what is not processed yet
MOST_BYTES: Final = 100_000  # of an item: what is told of fifty recipients at once may take more than an item can


class ChangeItem(Model):
    """Changes that were told together, in the partition of a project, a day (UTC) and a shard."""

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


def items_of(changes: Sequence[EmailChange], at_ms: int, shard: int) -> list[ChangeItem]:
    """The items of these changes of one email, which are told under that time. They are the same whoever makes them."""
    return [
        ChangeItem(
            partition_of(several[0].project, at_ms // DAY_MS, shard),
            f"{at_ms:013d}#{several[0].email_id}#{several[0].sequence:014d}#{several[0].id}",
            ttl=as_ttl(at_ms / 1000 + KEPT_FOR_S),
            changes=[written(change) for change in several],
        )
        for several in _chunks(changes)
    ]


def written(change: EmailChange) -> dict[str, Any]:
    """A change as an entry of the feed: its id, and what a webhook would say."""
    return {"id": change.id, **payload_of(change)}


def _chunks(changes: Sequence[EmailChange]) -> Iterator[list[EmailChange]]:
    chunk: list[EmailChange] = []
    room = MOST_BYTES
    for change in changes:
        size = len(compact(written(change)).encode())
        if chunk and size > room:
            yield chunk
            chunk, room = [], MOST_BYTES
        chunk.append(change)
        room -= size
    if chunk:
        yield chunk
