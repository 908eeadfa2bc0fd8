"""The feed of a project: what became of its emails, each change once, in the order recorded, for thirty days.

An entry's time decides its position, and a reader goes on behind the last position that it has seen. So no entry may
appear at a position that readers have passed, and one that is recorded again must come to the same position.

A change that is recorded within PROMPT_MS of the write that made it gets a time that follows from that write: to record
it again stores the same item once more. One that comes later gets the present time, which is noted first, so that
whoever records it again finds it. Both times are later than those of what was recorded of the email before. No call
begins that stores something under a time more than FRESH_MS ago, and readers stay behind until such a call has ended.
"""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, product
from operator import attrgetter
from typing import Any, Final, NamedTuple, Protocol

from pynamodb.exceptions import PutError
from pynamodb.models import Model

from app.domain.changes import EmailChange
from app.domain.freshness import Clock
from app.domain.listing import FOR_EVER_MS
from app.errors import Contention
from app.store import tables
from app.store.batches import get_all, put_all
from app.store.change_items import (
    DAY_MS,
    KEPT_FOR_S,
    LATE_KEPT_FOR_S,
    ChangeItem,
    LateItem,
    checked,
    items_of,
    key_of,
    partition_of,
)
from app.store.failures import is_condition_failed
from app.store.item_values import as_written, by_model, read_each
from app.store.raw_items import Raw
from app.store.ttl import as_ttl

PROMPT_MS: Final = 2000
FRESH_MS: Final = 1000
HELD_BACK_MS: Final = FRESH_MS + int(tables.slowest_call_s(tables.FEED_RETRIES) * 1000)
DAYS_AT_ONCE: Final = 10  # of a page, which goes on with the next ones if they have nothing
MOST_PARTITIONS: Final = 400  # of one page: of many projects, it is of fewer days
MOST_EXAMINED: Final = 1000  # items of one page, if few of them are wanted
SIDE_BY_SIDE: Final = 16
TRIES: Final = 5

Entry = dict[str, Any]
Wanted = Callable[[Entry], bool]
_POSITION: Final = re.compile(r"[0-9]{13}(#[\w.-]{1,80}#[0-9]{14}#[\w.-]{1,80})?#[0-9]{1,6}", re.ASCII)


class Find(Protocol):
    """Reads items (`batches.get_all`)."""

    def __call__(self, model: type[Model], keys: Sequence[Raw], *, is_consistent: bool = False) -> list[Raw]:
        """The items with these keys that exist, in any order."""


# Stores items by calls that begin while the function returns True.
Store = Callable[[Sequence[ChangeItem], Callable[[], bool]], None]


class FeedPosition(NamedTuple):
    """Where a reader goes on: behind `taken` changes of the item `part`, and behind all items before it."""

    part: str
    taken: int = 0

    def __str__(self) -> str:
        return f"{self.part}#{self.taken}"

    @classmethod
    def at(cls, at_ms: int) -> "FeedPosition":
        """The position before all that is recorded at that time, or later."""
        return cls(f"{min(max(0, at_ms), FOR_EVER_MS):013d}")

    @classmethod
    def read(cls, text: str) -> "FeedPosition":
        """The position that was written as `text`. Raises ValueError if it is none."""
        part, _, taken = text.rpartition("#")
        if not _POSITION.fullmatch(text):
            raise ValueError("is no place in the feed; send `after` as an answer gave it, or leave it out")
        return cls(part, int(taken))


class Page(NamedTuple):
    """Some entries, and the position to go on at. `is_last`: there is nothing more to read yet."""

    entries: list[Entry]
    after: FeedPosition
    is_last: bool


class ChangeFeed:
    """Stores and reads the feed. `shards` is how many partitions of a project and day are read if nothing else is said.

    `store` and `find` store and read items as `batches.put_all` and `get_all` do.
    """

    def __init__(self, clock: Clock, shards: int, store: Store | None = None, find: Find | None = None) -> None:
        self._clock, self._shards, self._store, self._find = clock, shards, store or put_all, find or get_all

    def add(self, changes: Sequence[EmailChange], written_ms: int) -> None:
        """Tell these changes, which are all of one write, and which that write's stream says was made at `written_ms`.

        To add them again adds nothing. What is told of an email must be added in its order. Raises ServiceUnavailable
        or Contention if not all is stored: then they must be added again.
        """
        if not changes:
            return
        prompt = items_of(changes, written_ms + PROMPT_MS)
        if not self._put(prompt, written_ms + PROMPT_MS, within_ms=0):
            self._add_late(changes, *self._look(changes[0], prompt))

    def _add_late(self, changes: Sequence[EmailChange], missing: set[str], times: list[int]) -> None:
        """Tell those of the changes that are missing, which have been told under none but these times, if at all."""
        unread = times
        for _ in range(TRIES):
            for at_ms in unread if missing else ():
                missing &= self._look(changes[0], items_of(changes, at_ms))[0]
            if not missing:
                return
            if times:
                items = [item for item in items_of(changes, times[-1]) if _first_id(item) in missing]
                if self._put(items, times[-1], within_ms=FRESH_MS):
                    return
            now_ms = self._now_ms()
            is_first = _note(changes[0], times, now_ms) and not times
            times = [now_ms] if is_first else self._look(changes[0])[1]
            unread = [] if is_first else times  # under the first of all, others store only what is stored now
        raise Contention(f"{changes[0].email_id}: what became of it is told by others, or the table is slow")

    def _put(self, items: Sequence[ChangeItem], at_ms: int, within_ms: int) -> bool:
        """Store items in their order, so that a process that dies leaves out the last ones.

        Returns False once it is more than `within_ms` behind the time of the items: those that are left are not stored.
        """
        for item in items:
            if self._now_ms() - at_ms > within_ms:
                return False
            self._store([item], lambda: self._now_ms() - at_ms <= FRESH_MS)
        return True

    def _look(self, change: EmailChange, items: Sequence[ChangeItem] = ()) -> tuple[set[str], list[int]]:
        """The ids of those items that are not stored, and under which times the change was told late, by one call."""
        late = _late_key(change)
        keys = [late, *((item.partition, item.part) for item in items)]  # both kinds are in one table
        found = self._find(ChangeItem, [{"partition": key, "part": part} for key, part in keys], is_consistent=True)
        stored = {(raw["partition"]["S"], raw["part"]["S"]): raw for raw in found}
        times = [int(at_ms["N"]) for at_ms in stored[late]["times"]["L"]] if late in stored else []
        return {_first_id(item) for item in items if (item.partition, item.part) not in stored}, times

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def read(
        self,
        project: str | Sequence[str],
        after: FeedPosition | None,
        limit: int,
        wanted: Wanted | None = None,
        shards: int | None = None,
        until_ms: int | None = None,
    ) -> Page:
        """At most `limit` entries of a project that are `wanted` (None: all), behind `after` (None: from the oldest).

        Of several projects, it is their entries in one order. A page may be empty and not be the last one. `shards` is
        how many any process has ever written to. With `until_ms`, what was recorded then or later is left out.
        """
        now_ms = self._now_ms()
        until_ms = now_ms - HELD_BACK_MS if until_ms is None else min(until_ms, now_ms - HELD_BACK_MS)
        oldest = FeedPosition.at(now_ms - KEPT_FOR_S * 1000)
        position = oldest if after is None or after.part < oldest.part else after
        projects, numbers = [project] if isinstance(project, str) else project, range(shards or self._shards)
        days = max(1, MOST_PARTITIONS // max(1, len(projects) * len(numbers)))
        most = min(limit + 1, MOST_EXAMINED) if wanted is None else MOST_EXAMINED
        last = f"{until_ms:013d}"
        entries: list[Entry] = []
        while not entries and position.part < last and days > 0 and most > 0:
            day = int(position.part[:13]) // DAY_MS
            next_day = min(until_ms // DAY_MS + 1, day + min(days, DAYS_AT_ONCE))
            end = min(last, f"{next_day * DAY_MS:013d}")
            items: list[ChangeItem] = []
            for some in (range(day, day + 1), range(day + 1, next_day)):  # a day with enough spares the others
                if len(items) < most:
                    partitions = [partition_of(*one) for one in product(projects, some, numbers)]
                    items += _query_each(partitions, position.part, end, most)
            items = sorted(items, key=attrgetter("part"))[:most]
            behind = FeedPosition(end) if len(items) < most else None
            entries, position = _wanted_of(items, position, limit, wanted, behind)
            days, most = days - (next_day - day), most - len(items)
        return Page(entries, position, is_last=position.part >= last)


def _wanted_of(
    items: list[ChangeItem], position: FeedPosition, limit: int, wanted: Wanted | None, end: FeedPosition | None
) -> tuple[list[Entry], FeedPosition]:
    """The entries that are wanted, and where to go on: at `end`, if these items are all before it (None: are not)."""
    entries: list[Entry] = []
    for item in items:
        begin = position.taken if item.part == position.part else 0
        for number, entry in enumerate(item.changes[begin:], start=begin):
            if len(entries) == limit:
                return entries, FeedPosition(item.part, number)
            if wanted is None or wanted(entry):
                entries.append(entry)
    return entries, end or FeedPosition(items[-1].part, len(items[-1].changes))


def _query_each(partitions: Sequence[str], begin: str, bound: str, most: int) -> list[ChangeItem]:
    """The oldest items of each partition from `begin` on and before `bound`, without those that are malformed."""
    if not partitions:
        return []
    with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(partitions))) as pool:
        found = list(pool.map(lambda partition: _query(partition, begin, bound, most), partitions))
    return [item for several in found for item in several]


def _query(partition: str, begin: str, bound: str, most: int) -> list[ChangeItem]:
    found = ChangeItem.query(partition, ChangeItem.part.between(begin, bound), page_size=most, consistent_read=True)
    read = read_each(as_written(found), by_model(ChangeItem, checked), "entry of the feed", key_of)
    return list(islice(read, most))


def _first_id(item: ChangeItem) -> str:
    """The id of the first change of an item, by which it is known under whatever time."""
    return item.part.rpartition("#")[2]


def _late_key(change: EmailChange) -> tuple[str, str]:
    return f"late#{change.email_id}", f"{change.sequence:014d}#{change.id}"


def _note(change: EmailChange, times: Sequence[int], now_ms: int) -> bool:
    """Note the time under which this is told now. False: another writer has noted one since `times` was read."""
    item = LateItem(*_late_key(change), times=[*times, now_ms], ttl=as_ttl(now_ms / 1000 + LATE_KEPT_FOR_S))
    unchanged = LateItem.times == list(times) if times else LateItem.partition.does_not_exist()
    try:
        item.save(condition=unchanged)
    except PutError as error:
        if not is_condition_failed(error):
            raise
        return False
    return True
