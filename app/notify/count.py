"""count: what the feed tells is added to the numbers of its hour, each change once.

The newest hour that is stored for a project and shard says up to which position its feed is counted. What lies behind
it is added by a write that succeeds only if nobody has gone on from there meanwhile, and moves the position with it. So
nothing is lost if a counter dies, and nothing is counted twice by two of them. Nothing is recorded at a position that
readers have passed, so that a position that was moved leaves nothing behind.
"""

import random
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Final, NamedTuple

from app.domain.freshness import Clock
from app.domain.stats import HOUR_MS, Behind, CountedHour, count, hour_of, position_at
from app.faults import is_silent
from app.notify.count_ports import FeedOfShards, HourStore, KnownPartitions

ENOUGH: Final = 100  # changes that are stored before their hour is over
MOST_A_TURN: Final = 2000  # changes of a project and shard that are read before it is the next one's turn
FAR_MS: Final = 86_400_000  # the feed has a partition for each day: a position that is not moved costs a query for each
SIDE_BY_SIDE: Final = 8


class Shard(NamedTuple):
    """One shard of a project's feed."""

    project: str
    number: int


class CountChanges:
    """Counts the feeds of all projects. Two that run at once do no harm."""

    def __init__(self, feed: FeedOfShards, hours: HourStore, known: KnownPartitions, clock: Clock) -> None:
        self._feed, self._hours, self._known, self._clock = feed, hours, known, clock
        self._newest: dict[Shard, CountedHour] = {}  # as this process stored or read it; the conditions find it stale

    def __call__(self, within_s: float) -> int:
        """Count what can be counted, for `within_s` at most. Returns the number of changes that were counted.

        All shards take turns, in an order by chance, so that none waits behind others whenever the time is short. One
        that fails stops no other. Raises what the first of them failed with whose call
        is at fault, else the first.
        """
        until_s = self._clock() + within_s
        known = self._known()
        shards = [Shard(project, number) for project in sorted(known.projects) for number in range(known.shards)]
        random.shuffle(shards)
        left, counted = deque(shards), 0
        failures: list[BaseException] = []
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            while left and self._clock() < until_s:
                several = [left.popleft() for _ in range(min(SIDE_BY_SIDE, len(left)))]
                for shard, turn in [(one, pool.submit(self._turn, one)) for one in several]:
                    if failure := turn.exception():
                        failures.append(failure)
                        continue
                    number, is_more = turn.result()
                    counted += number
                    if is_more:
                        left.append(shard)
        if failures:
            raise min(failures, key=is_silent)
        return counted

    def _turn(self, shard: Shard) -> tuple[int, bool]:
        """Count one time. Returns the number of changes that were counted, and whether there are more."""
        newest = self._newest.pop(shard, None) or self._hours.newest(*shard)
        behind = self._feed.behind(*shard, newest.until if newest else None, MOST_A_TURN)
        counted = 0
        for number, hour in _to_store(newest, behind):
            before = newest.until if newest and newest.hour == hour.hour else None
            if not self._hours.add(*shard, hour, before):
                return counted, False  # another counter is at work there, and what it leaves is for the next run
            newest = hour
            counted += number
        if newest:
            self._newest[shard] = newest._replace(tally=Counter())
        return counted, not behind.is_all


def _to_store(newest: CountedHour | None, behind: Behind) -> list[tuple[int, CountedHour]]:
    """The hours to be stored, each with the number of its changes.

    They are those that are over, and the last one if it has ENOUGH, or if there is more to be read; the rest is counted
    later. A position that has fallen FAR_MS behind is moved in any case, with an hour that may have no numbers.
    """
    is_far = newest is None or behind.until_ms - int(newest.until[:13]) >= FAR_MS
    found: list[tuple[int, CountedHour]] = []
    for hour, several in groupby(behind.records, lambda one: hour_of(one.at_ms)):
        payloads = [payload for one in several for payload in one.payloads]
        ends_ms = (hour + 1) * HOUR_MS
        is_over = ends_ms <= behind.until_ms
        if is_over or is_far or not behind.is_all or len(payloads) >= ENOUGH:
            until = position_at(ends_ms) if is_over else behind.until
            found.append((len(payloads), CountedHour(hour, until, count(payloads))))
    if is_far and (not found or found[-1][1].until != behind.until):
        found.append((0, CountedHour(hour_of(behind.until_ms), behind.until, Counter())))
    return found
