"""The partitions in which emails are listed, each of them newest first."""

from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from app.domain.listing import Known, Position, Wanted
from app.store.entries import EntryItem, by_recipient, by_tag, created_shard, position_key, read_positions
from app.store.head_items import HeadItem


class Partition(NamedTuple):
    """One partition: of the index of all emails, or of the entries by recipient or tag."""

    key: str
    is_index: bool = False


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest positions of a partition, in their order. `is_all`: there are no older ones."""

    positions: list[Position]
    is_all: bool


class Listings:
    """Reads positions. They lag behind as an index does; entries are read as they are stored."""

    def partitions(self, wanted: Wanted, known: Known) -> list[Partition]:
        """The partitions that together hold the emails that are wanted, and no email of another project.

        They also hold emails that are not wanted, if no single index can tell (a recipient and a tag, a status).
        """
        projects = sorted(filter(wanted.is_of, {*known.projects, *filter(None, [wanted.project])}))
        if wanted.recipient:
            return [Partition(by_recipient(project, wanted.recipient)) for project in projects]
        if wanted.tag:
            return [
                Partition(by_tag(project, shard, wanted.tag)) for project in projects for shard in range(known.shards)
            ]
        return [
            Partition(created_shard(project, shard), is_index=True)
            for project in projects
            for shard in range(known.shards)
        ]

    def newest(self, partition: Partition, from_ms: int, before: Position, limit: int) -> Newest:
        """At most `limit` positions that are older than `before`, and not older than `from_ms`, by one query."""
        model: Any = HeadItem.created if partition.is_index else EntryItem
        key = HeadItem.created_key if partition.is_index else EntryItem.part
        # `before` itself may be among them, because a query can exclude only one of its bounds.
        found = model.query(
            partition.key,
            key.between(position_key((from_ms, "")), position_key(before)),
            scan_index_forward=False,
            page_size=limit + 1,
        )
        # What is malformed is left out before it is counted, so that there is a position for the next page to begin at.
        newest = islice(read_positions(found, "created_key" if partition.is_index else "part"), limit + 1)
        positions = [position for position in newest if position < before]
        return Newest(positions[:limit], is_all=len(positions) <= limit and found.last_evaluated_key is None)
