"""What the feed tells is counted once, whatever dies, comes late, or counts beside."""

import random
from collections import Counter
from dataclasses import replace

import pytest
from botocore.exceptions import ReadTimeoutError
from pynamodb.exceptions import QueryError

from app.domain.changes import EmailChange
from app.domain.stats import ACCEPTED, HOUR_MS, by_name, hour_of
from app.notify import count as counting
from app.notify.count import ENOUGH, CountChanges
from app.notify.stats import Step
from app.store.change_feed import HELD_BACK_MS, ChangeFeed
from app.store.change_items import DAY_MS, ChangeItem, partition_of
from app.store.shard_feed import ShardFeed
from app.store.stats import KEPT_FOR_S, CountedHours, StatsItem
from tests.notify.conftest import STARTS_AT_S
from tests.notify.feed_samples import (
    DELIVERED,
    HELD_BACK_S,
    SHARDS,
    a_counter,
    a_project,
    a_reader,
    known,
    recorded,
    stored,
    tally,
    tell,
    told,
    total,
)
from tests.support.clock import Clock
from tests.support.write_units import counted

pytestmark = pytest.mark.usefixtures("feed_tables")


def items(project: str) -> list[StatsItem]:
    return [item for shard in range(SHARDS) for item in StatsItem.query(f"stats#{project}#{shard}")]


def test_an_hour_is_counted_when_it_is_over_and_held_back_no_more(clock: Clock) -> None:
    project = a_project()
    count = a_counter(clock, project)
    count(60)  # the place of a new project is noted
    changes = tell(clock, project, emails=5) + tell(clock, project, emails=3, **DELIVERED)
    clock.now_s = STARTS_AT_S + 3600 + HELD_BACK_MS / 1000 - 0.001
    assert count(60) == 0
    assert stored(project) == {}
    clock.now_s += 0.001
    assert count(60) == 8
    assert stored(project) == {hour_of(int(STARTS_AT_S * 1000)): tally(changes)}
    assert count(60) == 0


def test_many_changes_are_counted_before_their_hour_is_over(clock: Clock) -> None:
    project = a_project()
    count = a_counter(clock, project)
    count(60)
    changes = tell(clock, project, people=ENOUGH - 1)
    clock.advance(HELD_BACK_S)
    assert count(60) == 0
    changes += [*tell_into_the_shard_of(changes[0], clock)]
    clock.advance(HELD_BACK_S)
    assert count(60) == ENOUGH
    assert total(stored(project).values()) == tally(changes)
    changes += tell(clock, project, people=ENOUGH)
    clock.advance(HELD_BACK_S)
    assert a_counter(clock, project)(60) == ENOUGH  # of the same hour, and by another process
    assert total(stored(project).values()) == tally(changes)


def tell_into_the_shard_of(change: EmailChange, clock: Clock) -> list[EmailChange]:
    """One change more, of the same email."""
    more = replace(change, version=2, id=f"{change.id}b", was="queued")
    ChangeFeed(clock, SHARDS).add([more], clock.now_ms)
    return [more]


def test_an_idle_shard_is_written_once_a_day_so_that_its_place_is_never_far(clock: Clock) -> None:
    project = a_project()
    a_counter(clock, project)(60)
    with counted() as writes:
        for _ in range(3 * 24 * 4):
            a_counter(clock, project)(60)  # each time another process, which remembers nothing
            clock.advance(15 * 60)
    assert len(writes) == 3 * SHARDS
    assert {one.units for one in writes} == {1}
    assert stored(project) == {}
    changes = tell(clock, project)
    clock.advance(2 * 3600)
    a_counter(clock, project)(60)
    assert total(stored(project).values()) == tally(changes)


def test_a_lone_email_is_one_write_in_its_hour(clock: Clock) -> None:
    project = a_project()
    a_counter(clock, project)(60)
    tell(clock, project)
    with counted() as writes:
        for _ in range(90):
            clock.advance(60)
            a_counter(clock, project)(60)
    assert [one.units for one in writes] == [1]


def test_what_waited_for_weeks_is_counted_whole(clock: Clock) -> None:
    project = a_project()
    changes = []
    for _ in range(26):
        changes += tell(clock, project, people=2)
        clock.advance(86_400 + 1000)
    a_counter(clock, project)(60)
    assert stored(project) == recorded(project, int(STARTS_AT_S * 1000), 28)
    assert total(stored(project).values()) == tally(changes)


def test_more_than_a_turn_takes_is_counted_in_turns_with_the_others(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST_A_TURN", 3)
    monkeypatch.setattr(counting, "ENOUGH", 2)
    busy, other = a_project(), a_project()
    changes = tell(clock, busy, emails=40) + tell(clock, other, emails=3)
    clock.advance(4000)
    assert a_counter(clock, busy, other)(60) == 43
    assert total([*stored(busy).values(), *stored(other).values()]) == tally(changes)


class Slow:
    """The feed, of which each reading takes so many seconds."""

    def __init__(self, clock: Clock, takes_s: float) -> None:
        self._feed, self._clock, self._takes_s = ShardFeed(clock), clock, takes_s
        self.asked: Counter[str] = Counter()

    def behind(self, project: str, shard: int, *more: object) -> object:
        self.asked[project] += 1
        self._clock.advance(self._takes_s)
        return self._feed.behind(project, shard, *more)  # type: ignore[arg-type] # because they are passed on


def test_a_run_ends_in_its_time_and_leaves_no_project_behind_a_busy_one(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST_A_TURN", 1)
    busy, others = a_project(), [a_project() for _ in range(20)]
    tell(clock, busy, emails=60)
    for project in others:
        tell(clock, project)
    clock.advance(4000)
    feed = Slow(clock, 0.1)
    count = CountChanges(feed, CountedHours(), lambda: known(busy, *others), clock)  # type: ignore[arg-type] # because it passes on
    began_s = clock.now_s
    count(2.0)
    assert clock.now_s - began_s <= 2.0 + counting.SIDE_BY_SIDE * 0.1
    assert feed.asked[busy] <= SHARDS
    for _ in range(20):
        count(2.0)
    assert all(by_name(total(stored(project).values()))[ACCEPTED] == 1 for project in others)
    assert count(0) == count(-1) == 0


def test_one_project_that_fails_stops_no_other(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = a_project(), a_project()
    changes = tell(clock, good, emails=4)
    clock.advance(4000)
    newest = CountedHours.newest

    def failing(self: CountedHours, project: str, shard: int) -> object:
        if project == bad:
            raise QueryError("no answer")
        return newest(self, project, shard)

    monkeypatch.setattr(CountedHours, "newest", failing)
    with pytest.raises(QueryError):
        a_counter(clock, bad, good)(60)
    assert total(stored(good).values()) == tally(changes)


def test_a_mistake_is_raised_and_not_hidden_by_a_table_that_is_silent(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = a_project()
    silent = QueryError("no answer", ReadTimeoutError(endpoint_url="https://dynamodb.example"))
    left: list[Exception] = [silent, KeyError("a mistake")]

    def failing(self: CountedHours, project: str, shard: int) -> None:
        raise left.pop(0) if left else silent

    monkeypatch.setattr(CountedHours, "newest", failing)
    with pytest.raises(KeyError):
        a_counter(clock, project)(60)
    with pytest.raises(QueryError):
        a_counter(clock, project)(60)


@pytest.mark.parametrize(
    "damage", [{"counts": {"S": "{"}}, {"counts": {"S": "[1]"}}, {"until": {"S": "x"}}, {"until": {"N": "5"}}]
)
def test_an_hour_that_cannot_be_read_stops_nothing(clock: Clock, damage: dict[str, dict[str, str]]) -> None:
    project = a_project()
    tell(clock, project, emails=9)
    clock.advance(4000)
    a_counter(clock, project)(60)
    for item in items(project):
        StatsItem._get_connection().put_item(item.partition, item.part, attributes=damage)
    lost = stored(project)
    clock.advance(7200)
    later = tell(clock, project, emails=9)
    clock.advance(4000)
    a_counter(clock, project)(60)
    assert lost == {}
    assert total(stored(project).values()) == tally(later)
    answer = a_reader(clock, project)(project, None, None, Step.HOUR, is_by_account=False)
    assert [row.counts[ACCEPTED] for row in answer.rows] == [9]


def test_an_entry_that_cannot_be_read_stops_nothing(clock: Clock) -> None:
    project = a_project()
    count = a_counter(clock, project)
    count(60)
    several = [told(clock, project, shard=0)[0] for _ in range(6)]
    for one in several:
        ChangeFeed(clock, 1).add([one], clock.now_ms)
        clock.advance(1)
    found = [*recorded_items(project, clock)]
    for item, text in zip(found, ("{", '[{"id":"evt_1"}]', '[{"type":"email.queued","data":{}}]', "[1]"), strict=False):
        item._get_connection().put_item(item.partition, item.part, attributes={"changes": {"S": text}})
    clock.advance(4000)
    assert count(60) == 2
    assert by_name(total(stored(project).values()))[ACCEPTED] == 2


def recorded_items(project: str, clock: Clock) -> list[ChangeItem]:
    return [*ChangeItem.query(partition_of(project, clock.now_ms // DAY_MS, 0))]


def test_numbers_are_kept_for_four_hundred_days(clock: Clock) -> None:
    project = a_project()
    tell(clock, project)
    clock.advance(4000)
    a_counter(clock, project)(60)
    (item,) = [item for item in items(project) if item.counts]
    assert item.ttl.timestamp() == (int(item.part) + 1) * HOUR_MS / 1000 + KEPT_FOR_S
    assert KEPT_FOR_S == 400 * 86_400


def test_an_hour_of_many_accounts_and_times_is_far_from_the_most_that_an_item_holds(clock: Clock) -> None:
    project = a_project()
    chance = random.Random(5)  # noqa: S311 because nothing is hidden by it
    for account in range(20):
        several = [
            replace(one, provider=f"sendgrid:label-{account}", starts_at_ms=clock.now_ms - int(1.25**at))
            for at, one in enumerate(told(clock, project, people=97, shard=0, **{**DELIVERED, "after_failover": True}))
        ]
        chance.shuffle(several)
        ChangeFeed(clock, 1).add(several, clock.now_ms)
    clock.advance(4000)
    with counted() as writes:
        a_counter(clock, project)(60)
    assert max(one.units for one in writes) <= 48
    assert by_name(total(stored(project).values()))["delivered"] == 20 * 97
