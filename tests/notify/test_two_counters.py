"""Counters that meet, and those that die at any write: each change is counted once."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.changes import EmailChange
from app.domain.stats import ACCEPTED, CountedHour, Tally, by_name
from app.errors import Contention
from app.notify import count as counting
from app.notify.stats import Step
from app.store.change_feed import ChangeFeed
from app.store.stats import CountedHours, StatsItem
from tests.notify.conftest import STARTS_AT_S
from tests.notify.feed_samples import (
    DELIVERED,
    HELD_BACK_S,
    SHARDS,
    a_counter,
    a_project,
    a_reader,
    recorded,
    stored,
    tally,
    tell,
    told,
    total,
)
from tests.support.clock import Clock
from tests.support.crash import Crash, crash
from tests.support.size import examples

pytestmark = pytest.mark.usefixtures("feed_tables")
SAVE = StatsItem.save


def an_hour(until: str, n: int) -> CountedHour:
    return CountedHour(500_000, until, Counter({("", ACCEPTED): n}))


def test_a_sum_grows_only_from_where_it_ended() -> None:
    store, project = CountedHours(), a_project()
    assert not store.add(project, 0, an_hour("1800000000001", 1), "1800000000000")  # there is none yet
    assert store.add(project, 0, an_hour("1800000000002", 2), None)
    assert not store.add(project, 0, an_hour("1800000000003", 4), None)
    assert not store.add(project, 0, an_hour("1800000000004", 8), "1800000000001")
    assert store.add(project, 0, an_hour("1800000000005", 16), "1800000000002")
    assert store.newest(project, 0) == an_hour("1800000000005", 18)


@pytest.mark.parametrize("before", [None, "1800000000001"])
def test_of_two_who_write_at_once_one_wins(monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    store, project = CountedHours(), a_project()
    if before:
        assert store.add(project, 0, an_hour(before, 1), None)

    def late(item: StatsItem, **options: Any) -> object:
        monkeypatch.setattr(StatsItem, "save", SAVE)
        assert store.add(project, 0, an_hour("1800000000009", 2), before)
        return SAVE(item, **options)

    monkeypatch.setattr(StatsItem, "save", late)
    assert not store.add(project, 0, an_hour("1800000000005", 2), before)
    assert store.newest(project, 0) == an_hour("1800000000009", 3 if before else 2)


def test_a_counter_goes_on_after_another_one_was_there(clock: Clock) -> None:
    project = a_project()
    one, other = a_counter(clock, project), a_counter(clock, project)
    one(60)
    for count in (other, one):
        tell(clock, project, emails=9)
        clock.advance(4000)
        counted = count(60)
    assert counted == 0  # its write was refused
    assert one(60) == 9
    assert by_name(total(stored(project).values()))[ACCEPTED] == 18


@dataclass
class Run:
    """A stream that is told, soon or late, and counters of which any may die or meet another one at any call."""

    clock: Clock
    project: str
    chance: random.Random
    expected: list[EmailChange] = field(default_factory=list)
    late: list[tuple[list[EmailChange], int]] = field(default_factory=list)

    before: Callable[[], object] | None = None  # the next write, this is called
    after: Callable[[], object] | None = None

    def __post_init__(self) -> None:
        self.feed = ChangeFeed(self.clock, SHARDS)
        self.counters = [a_counter(self.clock, self.project) for _ in range(2)]

    def save(self, item: StatsItem, **options: Any) -> object:
        """Write an hour, right after what was to happen before, and right before what was to happen after it."""
        before, self.before = self.before, None
        if before:
            before()
        saved = SAVE(item, **options)
        after, self.after = self.after, None
        if after:
            after()
        return saved

    def tell(self) -> None:
        fields = self.chance.choice([{}, DELIVERED, {"was": "sent", "provider": "mailgun"}])
        several = told(self.clock, self.project, self.chance.choice([1, 1, 2, 4]), **fields)
        self.expected += several
        if self.chance.random() < 0.3:
            self.late.append((several, self.clock.now_ms))
        else:
            self.feed.add(several, self.clock.now_ms)

    def tell_late(self) -> None:
        for several, written_ms in self.late:
            for _ in range(self.chance.choice([1, 1, 2])):
                with suppress(Contention):
                    self.feed.add(several, written_ms)
        self.late = []

    def count(self) -> None:
        number = self.chance.randrange(2)
        self.before, self.after = self.chance.choice(
            [(None, None), (crash, None), (None, crash), (lambda: self.meet(number), None)]
        )
        with suppress(Crash):
            self.counters[number](60)
        self.before = self.after = None
        if self.chance.random() < 0.3:
            self.counters[number] = a_counter(self.clock, self.project)

    def meet(self, number: int) -> None:
        """Let the other counter go ahead; this one may die right after it has written nevertheless."""
        self.counters[1 - number](60)
        self.after = self.chance.choice([None, crash])

    def numbers(self) -> Tally:
        """What is answered now, of all that was ever told."""
        read = a_reader(self.clock, self.project)
        answer = read(self.project, int(STARTS_AT_S * 1000), None, Step.DAY, is_by_account=True)
        sums: Tally = Counter()
        for row in answer.rows:
            sums.update({(row.account or "", name): n for name, n in row.counts.items()})
        return sums


@pytest.mark.timeout(300)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))  # what is drawn follows from it, and not from the order in which threads come
def test_whatever_dies_every_change_is_counted_once(number: int) -> None:
    chance, clock = random.Random(number), Clock()  # noqa: S311 because nothing is secret here
    clock.now_s = STARTS_AT_S
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "ENOUGH", 3)
        patch.setattr(counting, "MOST_A_TURN", chance.choice([1, 4, 1000]))
        run = Run(clock, a_project(), chance)
        patch.setattr(StatsItem, "save", lambda item, **options: run.save(item, **options))
        for _ in range(14):
            run.tell()
            clock.advance(chance.choice([0, 0, 1, 3, 12, 300, 1700, 4000, 100_000]))
            if chance.random() < 0.4:
                run.tell_late()
            if chance.random() < 0.7:
                run.count()
        run.tell_late()
        clock.advance(HELD_BACK_S)
        # What is stored and what is read of the feed are together all that was told, before the rest is counted...
        assert run.numbers() == tally(run.expected)
        clock.advance(3600)
        for _ in range(2):  # the first finds what it remembers to be stale, if the other one was there
            run.counters[0](60)
    # ... and the hours are those under which the feed has it.
    assert run.numbers() == tally(run.expected)
    assert stored(run.project) == recorded(run.project, int(STARTS_AT_S * 1000), 20)
