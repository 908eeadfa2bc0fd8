"""The feed of a project: what became of its emails, each change once, in the order recorded, for thirty days.

An entry's time decides its place, and a reader goes on behind the last place that it has seen. So no entry may appear
at a place that readers have passed, and one that is told again must come to the same place.

A change that is told within PROMPT_MS of the write that made it gets a time that follows from that write: telling it
again stores the same item once more. One that comes later gets the present time, which is noted first, so that whoever
tells it again finds it. Both times are later than those of all that was told of the email before. Nothing is stored
under a time that is more than FRESH_MS ago, and readers stay HELD_BACK_MS behind: for so long a write may be under way.
"""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from operator import attrgetter
from typing import Any, Final, NamedTuple

from pynamodb.exceptions import PutError

from app.domain.changes import EmailChange
from app.domain.freshness import Clock
from app.domain.shards import shard_of
from app.errors import Contention
from app.store.batches import get_all, put_all
from app.store.change_items import (
    DAY_MS,
    KEPT_FOR_S,
    LATE_KEPT_FOR_S,
    ChangeItem,
    LateItem,
    items_of,
    partition_of,
)
from app.store.failures import is_condition_failed
from app.store.item_values import as_written, by_model, read_each
from app.store.raw_items import Raw
from app.store.ttl import as_ttl

PROMPT_MS: Final = 2000
FRESH_MS: Final = 1000
HELD_BACK_MS: Final = 10_000  # FRESH_MS, and the nine seconds that a write may take with its repetitions (`tables`)
DAYS_A_PAGE: Final = 10
MOST_EXAMINED: Final = 1000  # items of one page, if few of them are wanted
SIDE_BY_SIDE: Final = 16
TRIES: Final = 5

Entry = dict[str, Any]
_PLACE: Final = re.compile(r"[0-9]{13}(#[\w.-]{1,80}#[0-9]{14}#[\w.-]{1,80})?#[0-9]{1,6}", re.ASCII)


class Place(NamedTuple):
    """Where a reader goes on: behind `taken` changes of the item `part`, and behind all items before it."""

    part: str
    taken: int = 0

    def __str__(self) -> str:
        return f"{self.part}#{self.taken}"

    @classmethod
    def read(cls, text: str) -> "Place":
        """The place that was written as `text`. Raises ValueError if it is none."""
        part, _, taken = text.rpartition("#")
        if not _PLACE.fullmatch(text):
            raise ValueError("is no place in the feed; send `after` as an answer gave it, or leave it out")
        return cls(part, int(taken))


class Page(NamedTuple):
    """Some entries, and the place to go on at. `is_last`: there is nothing more to read yet."""

    entries: list[Entry]
    after: Place
    is_last: bool


def _everything(_: Entry) -> bool:
    return True


class ChangeFeed:
    """Stores and reads the feed. `shards` is how many partitions a project and day has for what is written."""

    def __init__(self, clock: Clock, shards: int) -> None:
        self._clock, self._shards = clock, shards

    def add(self, changes: Sequence[EmailChange], written_ms: int) -> None:
        """Tell these changes, which are all of one write, and which that write's stream says was made at `written_ms`.

        To add them again adds nothing. What is told of an email must be added in its order. Raises ServiceUnavailable
        or Contention if not all is stored: then they must be added again.
        """
        if not changes:
            return
        shard = shard_of(changes[0].email_id, self._shards)
        prompt = items_of(changes, written_ms + PROMPT_MS, shard)
        if self._now_ms() <= written_ms + PROMPT_MS:
            _put(prompt)
        elif missing := _missing(prompt):
            self._add_late(changes, {_first_id(item) for item in missing}, shard)

    def _add_late(self, changes: Sequence[EmailChange], missing: set[str], shard: int) -> None:
        for _ in range(TRIES):
            times = _late_times(changes[0])
            for at_ms in times:
                missing = missing & {_first_id(item) for item in _missing(items_of(changes, at_ms, shard))}
            if not missing:
                return
            now_ms = self._now_ms()
            if times and now_ms - times[-1] <= FRESH_MS:
                _put([item for item in items_of(changes, times[-1], shard) if _first_id(item) in missing])
                return
            _note(changes[0], times, now_ms)
        raise Contention(f"{changes[0].email_id}: what became of it is told by others, or the table is slow")

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def read(
        self,
        project: str,
        after: Place | None,
        limit: int,
        wanted: Callable[[Entry], bool] = _everything,
        shards: int | None = None,
    ) -> Page:
        """At most `limit` entries of a project that are `wanted`, behind `after` (None: the oldest that is kept).

        A page may be empty and not be the last one. `shards` is how many any process has ever written to.
        """
        now_ms = self._now_ms()
        until_ms = now_ms - HELD_BACK_MS
        place = after or Place(f"{now_ms - KEPT_FOR_S * 1000:013d}")
        day = int(place.part[:13]) // DAY_MS
        last_day = min(until_ms // DAY_MS, day + DAYS_A_PAGE - 1)
        end = min(until_ms, (last_day + 1) * DAY_MS)
        bound = f"{end:013d}"
        if place.part >= bound:
            return Page([], place, is_last=True)
        partitions = [
            partition_of(project, one, shard)
            for one in range(day, last_day + 1)
            for shard in range(shards or self._shards)
        ]
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            found = list(pool.map(lambda partition: _query(partition, place.part, bound), partitions))
        items = sorted((item for several in found for item in several), key=attrgetter("part"))[:MOST_EXAMINED]
        return _page(items, place, limit, wanted, Place(bound), is_last=end == until_ms)


def _page(
    items: list[ChangeItem], place: Place, limit: int, wanted: Callable[[Entry], bool], end: Place, *, is_last: bool
) -> Page:
    entries: list[Entry] = []
    for item in items:
        begin = place.taken if item.part == place.part else 0
        for number, entry in enumerate(item.changes[begin:], start=begin):
            if len(entries) == limit:
                return Page(entries, Place(item.part, number), is_last=False)
            if wanted(entry):
                entries.append(entry)
    if len(items) == MOST_EXAMINED:
        return Page(entries, Place(items[-1].part, len(items[-1].changes)), is_last=False)
    return Page(entries, end, is_last=is_last)


def _query(partition: str, begin: str, bound: str) -> list[ChangeItem]:
    """The oldest items from `begin` on and before `bound`, MOST_EXAMINED at most, without those that are malformed."""
    found = ChangeItem.query(
        partition, ChangeItem.part.between(begin, bound), page_size=MOST_EXAMINED, consistent_read=True
    )
    read = read_each(as_written(found), by_model(ChangeItem, lambda item: item), "entry of the feed", _key)
    return list(islice(read, MOST_EXAMINED))


def _key(raw: Raw) -> str:
    return f"{raw['partition']['S']} {raw['part']['S']}"


def _put(items: Sequence[ChangeItem]) -> None:
    """Store items in their order, so that a process that dies leaves out the last ones."""
    for item in items:
        put_all([item])


def _missing(items: Sequence[ChangeItem]) -> list[ChangeItem]:
    """Those that are not stored."""
    keys = [{"partition": item.partition, "part": item.part} for item in items]
    stored = {raw["part"]["S"] for raw in get_all(ChangeItem, keys, is_consistent=True)}
    return [item for item in items if item.part not in stored]


def _first_id(item: ChangeItem) -> str:
    """The id of the first change of an item, by which it is known under whatever time."""
    return item.part.rpartition("#")[2]


def _late_key(change: EmailChange) -> tuple[str, str]:
    return f"late#{change.email_id}", f"{change.sequence:014d}#{change.id}"


def _late_times(change: EmailChange) -> list[int]:
    try:
        return [int(at_ms) for at_ms in LateItem.get(*_late_key(change), consistent_read=True).times]
    except LateItem.DoesNotExist:
        return []


def _note(change: EmailChange, times: Sequence[int], now_ms: int) -> None:
    """Note the time under which this is told now, unless another writer has noted one since `times` was read."""
    item = LateItem(*_late_key(change), times=[*times, now_ms], ttl=as_ttl(now_ms / 1000 + LATE_KEPT_FOR_S))
    unchanged = LateItem.times == list(times) if times else LateItem.partition.does_not_exist()
    try:
        item.save(condition=unchanged)
    except PutError as error:
        if not is_condition_failed(error):
            raise
