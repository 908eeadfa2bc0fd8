"""Stores what was counted of the feed: an item for each project, shard and hour in which something was told."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from app.domain.stats import HOUR_MS, CountedHour, Tally, position_at
from app.errors import Unreadable
from app.store.change_items import key_of
from app.store.compact_json import CompactJSONAttribute
from app.store.failures import is_condition_failed
from app.store.item_values import as_written, by_model, read_item
from app.store.raw_items import Raw
from app.store.ttl import as_ttl

KEPT_FOR_S: Final = 400 * 86_400


class StatsItem(Model):
    """The numbers of an hour, by account and name, and the position in the feed up to which they are counted.

    It lives in the table of the feed. The newest of a shard says how far the feed is counted there.
    """

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    partition = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    ttl = TTLAttribute()
    until = UnicodeAttribute()
    counts = CompactJSONAttribute()


class CountedHours:
    """Stores the hours of each project and shard. A sum grows by what was counted from where it ended, and only once.

    An hour that this version cannot read is passed over: it has no numbers, and what comes behind it is counted.
    """

    def newest(self, project: str, shard: int) -> CountedHour | None:
        """The last hour that was counted. None: there is none."""
        found = StatsItem.query(_partition(project, shard), scan_index_forward=False, page_size=2, consistent_read=True)
        return next(_read_each(as_written(found)), None)

    def between(self, project: str, shard: int, first: int, last: int) -> list[CountedHour]:
        """Those from the hour `first` to the hour `last`, in their order."""
        bounds = StatsItem.part.between(_part(first), _part(last))
        return [*_read_each(as_written(StatsItem.query(_partition(project, shard), bounds, consistent_read=True)))]

    def add(self, project: str, shard: int, more: CountedHour, before: str | None) -> bool:
        """Add what was counted from the position `before` on (None: nothing of this hour is stored) to its `until`.

        Returns False, and stores nothing, if the hour is not counted up to there any more, or was begun meanwhile.
        """
        tally = more.tally
        unchanged: Condition = StatsItem.partition.does_not_exist()
        if before is not None:
            stored = self.between(project, shard, more.hour, more.hour)
            if not stored or stored[0].until != before:
                return False
            tally = stored[0].tally + tally
            unchanged = StatsItem.until == before
        ends_s = (more.hour + 1) * HOUR_MS / 1000
        item = StatsItem(
            _partition(project, shard),
            _part(more.hour),
            ttl=as_ttl(ends_s + KEPT_FOR_S),
            until=more.until,
            counts=_nested(tally),
        )
        try:
            item.save(condition=unchanged)
        except PutError as error:
            if is_condition_failed(error):
                return False
            raise
        return True


def _partition(project: str, shard: int) -> str:
    """The key of a partition. The name of a project holds no `#`."""
    return f"stats#{project}#{shard}"


def _part(hour: int) -> str:
    return f"{hour:09d}"


def _nested(tally: Tally) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for (account, name), n in sorted(tally.items()):
        counts.setdefault(account, {})[name] = n
    return counts


def _read_each(found: Iterable[Raw]) -> Iterator[CountedHour]:
    for raw in found:
        if not raw["part"]["S"].isdecimal():
            continue
        try:
            yield read_item(raw, by_model(StatsItem, _to_hour), "hour of the statistics", key_of(raw))
        except Unreadable:
            hour = int(raw["part"]["S"])
            yield CountedHour(hour, position_at((hour + 1) * HOUR_MS), Counter())


def _to_hour(item: StatsItem) -> CountedHour:
    int(item.until[:13])  # raises ValueError for what is no position
    tally = Counter({(account, name): int(n) for account, counts in item.counts.items() for name, n in counts.items()})
    return CountedHour(int(item.part), item.until, tally)
