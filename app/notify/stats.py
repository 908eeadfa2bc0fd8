"""stats: the numbers of a time, from the hours that are counted already and from what the feed has behind them."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Final, NamedTuple

from app.domain.freshness import Clock
from app.domain.listing import FOR_EVER_MS
from app.domain.stats import HOUR_MS, CountedHour, Tally, by_name, count, hour_of, position_at
from app.errors import Invalid
from app.notify.count import Shard
from app.notify.count_ports import FeedOfShards, HourStore, KnownPartitions

MOST_LIVE: Final = 2000  # changes of a project and shard that are counted while the caller waits
MOST_SHARDS: Final = 1000  # that are read for one answer
SIDE_BY_SIDE: Final = 16
_DAY_MS: Final = 24 * HOUR_MS


class Step(StrEnum):
    """How long a time each row is about."""

    HOUR = "hour"
    DAY = "day"


_STEP_MS: Final = {Step.HOUR: HOUR_MS, Step.DAY: _DAY_MS}
MOST_DAYS: Final = {Step.HOUR: 31, Step.DAY: 92}
_REMEDY: Final = {Step.HOUR: "ask for less, or by=day", Step.DAY: "ask for less, and again for the rest"}


class Row(NamedTuple):
    """What was told in the hour or day that begins at `from_ms`. `account` is None if it is of all accounts."""

    from_ms: int
    account: str | None
    counts: Counter[str]


class Statistics(NamedTuple):
    """The rows of a time, which is widened to whole hours or days. What was not told has no row.

    They have everything that was recorded before `counted_until_ms`.
    """

    from_ms: int
    to_ms: int
    counted_until_ms: int
    rows: list[Row]


class ReadStatistics:
    """Reads the numbers of one project, or of all projects."""

    def __init__(self, feed: FeedOfShards, hours: HourStore, known: KnownPartitions, clock: Clock) -> None:
        self._feed, self._hours, self._known, self._clock = feed, hours, known, clock

    def __call__(
        self, project: str | None, from_ms: int | None, to_ms: int | None, step: Step, *, is_by_account: bool
    ) -> Statistics:
        """The numbers from `from_ms` on (None: a day before) and before `to_ms` (None: now).

        Without a project, they are those of all real mail.

        Raises Invalid if the time is too long or none at all, or if there are too many projects to read at once.
        """
        now_ms = int(self._clock() * 1000)
        to_ms = now_ms if to_ms is None else to_ms
        from_ms, to_ms = _checked(to_ms - _DAY_MS if from_ms is None else from_ms, to_ms, step)
        known = self._known()
        projects = known.real if project is None else [project]
        shards = [Shard(one, number) for one in projects for number in range(known.shards)]
        if len(shards) > MOST_SHARDS:
            raise Invalid(("project", f"is needed: there are {len(projects)} projects, too many to add up at once"))
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            found = list(pool.map(lambda shard: self._of(shard, from_ms, to_ms), shards))
        counted_until_ms = min([until_ms for _, until_ms in found], default=min(now_ms, to_ms))
        hours = [hour for several, _ in found for hour in several]
        return Statistics(from_ms, to_ms, counted_until_ms, _rows(hours, step, is_by_account=is_by_account))

    def _of(self, shard: Shard, from_ms: int, to_ms: int) -> tuple[list[CountedHour], int]:
        """The hours of a shard, and the time up to which they are complete."""
        first, last = hour_of(from_ms), hour_of(to_ms - 1)
        newest = self._hours.newest(*shard)
        stored: list[CountedHour] = []
        if newest and newest.hour >= first:
            stored = self._hours.between(*shard, first, min(last, newest.hour))
            if newest.hour > last:
                return stored, to_ms
            if stored and stored[-1].hour == newest.hour:
                newest = stored[-1]  # it may have grown since, and the rest begins where it ends now
        uncounted, until_ms = self._uncounted(shard, max(newest.until if newest else "", position_at(from_ms)), to_ms)
        return [*stored, *uncounted], until_ms

    def _uncounted(self, shard: Shard, after: str, to_ms: int) -> tuple[list[CountedHour], int]:
        """What the feed has behind the position `after`, as `_of`, before `to_ms`, and MOST_LIVE changes at most."""
        found: list[CountedHour] = []
        number = 0
        while True:
            behind = self._feed.behind(*shard, after, MOST_LIVE - number, to_ms)
            for one in behind.records:
                found.append(CountedHour(hour_of(one.at_ms), behind.until, count(one.payloads)))
                number += len(one.payloads)
            if behind.is_all or number >= MOST_LIVE:
                return found, min(behind.until_ms, to_ms)
            after = behind.until


def _checked(from_ms: int, to_ms: int, step: Step) -> tuple[int, int]:
    """The time in whole steps. Raises Invalid."""
    from_ms, to_ms = min(max(from_ms, 0), FOR_EVER_MS), min(max(to_ms, 0), FOR_EVER_MS)
    if to_ms <= from_ms:
        raise Invalid(("to", "must be later than from"))
    if to_ms - from_ms > MOST_DAYS[step] * _DAY_MS:
        raise Invalid(("from", f"is more than {MOST_DAYS[step]} days before `to`; {_REMEDY[step]}"))
    width = _STEP_MS[step]
    return from_ms // width * width, -(-to_ms // width) * width


def _rows(hours: Sequence[CountedHour], step: Step, *, is_by_account: bool) -> list[Row]:
    sums: dict[int, Tally] = {}
    for hour in hours:
        began_ms = hour.hour * HOUR_MS // _STEP_MS[step] * _STEP_MS[step]
        sums.setdefault(began_ms, Counter()).update(hour.tally)
    rows: list[Row] = []
    for began_ms, tally in sorted(sums.items()):
        if is_by_account:
            accounts = sorted({account for account, _ in tally})
            rows += [Row(began_ms, one, by_name(_only(tally, one))) for one in accounts]
        elif tally:
            rows.append(Row(began_ms, None, by_name(tally)))
    return rows


def _only(tally: Tally, account: str) -> Tally:
    return Counter({key: n for key, n in tally.items() if key[0] == account})
