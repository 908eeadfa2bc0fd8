"""Reads one shard of a project's feed from a position on, for whoever counts what is told."""

import json
from collections.abc import Iterator
from typing import Final

from app.domain.freshness import Clock
from app.domain.stats import Behind, Payload, Recorded, position_at
from app.store.change_feed import DAYS_AT_ONCE, HELD_BACK_MS
from app.store.change_items import DAY_MS, KEPT_FOR_S, ChangeItem, key_of, partition_of
from app.store.item_values import as_written, read_each
from app.store.raw_items import Raw

ITEMS_A_QUERY: Final = 1000


class ShardFeed:
    """As `change_feed.ChangeFeed`, for one shard: an entry is read when no write can come before it any more."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def behind(self, project: str, shard: int, after: str | None, most: int, before_ms: int | None = None) -> Behind:
        """What is recorded behind the position `after` (None: the oldest that is kept), before `before_ms` if given.

        All of an item is read, so that there may be a few more than `most` changes, or fewer although there is more.
        """
        now_ms = int(self._clock() * 1000)
        bound_ms = now_ms - HELD_BACK_MS if before_ms is None else min(before_ms, now_ms - HELD_BACK_MS)
        after = max(after or "", position_at(now_ms - KEPT_FOR_S * 1000))
        if after >= position_at(bound_ms):
            return Behind([], after, int(after[:13]), is_all=True)
        day = int(after[:13]) // DAY_MS
        last_day = min((bound_ms - 1) // DAY_MS, day + DAYS_AT_ONCE - 1)
        end_ms = min(bound_ms, (last_day + 1) * DAY_MS)
        records: list[Recorded] = []
        count = 0
        for one in range(day, last_day + 1):
            for part, payloads in _query(partition_of(project, one, shard), after, position_at(end_ms)):
                records.append(Recorded(int(part[:13]), payloads))
                count += len(payloads)
                if count >= most:
                    return Behind(records, part, records[-1].at_ms, is_all=False)
        return Behind(records, position_at(end_ms), end_ms, is_all=end_ms == bound_ms)


def _query(partition: str, after: str, bound: str) -> Iterator[tuple[str, list[Payload]]]:
    """The items behind `after` and before `bound`, the oldest first, without those that are malformed."""
    found = ChangeItem.query(
        partition, ChangeItem.part.between(after, bound), page_size=ITEMS_A_QUERY, consistent_read=True
    )
    for part, payloads in read_each(as_written(found), _read, "entry of the feed", key_of):
        if part != after:  # a query can exclude only one of its bounds
            yield part, payloads


def _read(raw: Raw) -> tuple[str, list[Payload]]:
    """The range key and the changes of an item. It makes no model of it, which takes several times as long."""
    payloads = json.loads(raw["changes"]["S"])
    for payload in payloads:
        data = payload["data"]
        if not isinstance(payload["type"], str) or not {"provider", "previous_status", "cause"} <= data.keys():
            raise ValueError("is no change")
        if payload["type"] == "email.delivered":
            int(data["time_to_delivery_ms"])
    return raw["part"]["S"], payloads
