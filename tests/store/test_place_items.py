"""Places of days and seconds in their table: nobody takes more than there are."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest

from app.store.health import Healths
from app.store.places import DAYS_KEPT_FOR_S, SECONDS_KEPT_FOR_S, TURNS_KEPT_FOR_S, PlaceItem, Places
from tests.support.aws import Aws

NOW_S = 1_800_000_000.0
DAY = int(NOW_S) // 86_400


@pytest.fixture
def places(store: Aws) -> Places:
    return Places()


@pytest.fixture
def name() -> str:
    """An account that no other test has heard of."""
    return f"account-{uuid4().hex[:8]}"


def test_a_days_places_are_those_of_the_day(places: Places, name: str) -> None:
    assert places.take(name, DAY, 3, 10, NOW_S)
    assert places.take(name, DAY, 4, 10, NOW_S)
    assert [places.taken(name, day) for day in (DAY - 1, DAY, DAY + 1)] == [0, 7, 0]


@pytest.mark.parametrize(("taken", "count", "fits"), [(0, 5, True), (0, 6, False), (3, 2, True), (3, 3, False)])
def test_all_are_taken_or_none(places: Places, name: str, taken: int, count: int, fits: bool) -> None:
    assert not taken or places.take(name, DAY, taken, 5, NOW_S)
    assert places.take(name, DAY, count, 5, NOW_S) is fits
    assert places.taken(name, DAY) == taken + (count if fits else 0)


def test_of_many_at_once_as_many_as_there_are_places_take_one(places: Places, name: str) -> None:
    barrier = Barrier(16)

    def take(_: int) -> int:
        barrier.wait(60)
        return sum(places.take(name, DAY, 2, 25, NOW_S) for _ in range(3))

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(take, range(16))) == 12
    assert places.taken(name, DAY) == 24


def test_what_is_given_back_can_be_taken(places: Places, name: str) -> None:
    assert places.take(name, DAY, 5, 5, NOW_S)
    places.give_back(name, DAY, 2)
    assert not places.take(name, DAY, 3, 5, NOW_S)
    assert places.take(name, DAY, 2, 5, NOW_S)


def test_a_cap_that_was_lowered_holds_at_once(places: Places, name: str) -> None:
    assert places.take(name, DAY, 5, 9, NOW_S)
    assert not places.take(name, DAY, 1, 3, NOW_S)


def test_places_are_forgotten_by_ttl_and_lie_beside_the_health(places: Places, name: str) -> None:
    places.take(name, DAY, 1, 5, NOW_S)
    places.book(name, int(NOW_S), 1, 5)
    places.turn(name, 1, 5, int(NOW_S))
    ttls = {item.part.partition("#")[0]: item.ttl and item.ttl.timestamp() for item in PlaceItem.query(name)}
    kept_s = {"day": DAYS_KEPT_FOR_S, "second": SECONDS_KEPT_FOR_S, "turns": TURNS_KEPT_FOR_S}
    assert ttls == {part: NOW_S + seconds for part, seconds in kept_s.items()}
    assert Healths().get(name).version == 0


@pytest.mark.parametrize(("first", "then", "fits"), [(3, 2, True), (3, 3, False), (5, 1, False)])
def test_a_second_has_as_many_places_as_its_cap(places: Places, name: str, first: int, then: int, fits: bool) -> None:
    assert places.book(name, 100, first, 5)
    assert places.book(name, 100, then, 5) is fits
    assert places.book(name, 101, then, 5)


def test_of_many_at_once_no_second_has_more_than_its_cap(places: Places, name: str) -> None:
    barrier = Barrier(16)

    def book(_: int) -> bool:
        barrier.wait(60)
        return places.book(name, 100, 1, 5)

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(book, range(16))) == 5


def test_a_call_that_fills_several_seconds_takes_them_whole_or_not_at_all(places: Places, name: str) -> None:
    assert places.book(name, 103, 1, 2)
    assert not places.book(name, 101, 5, 2)  # 101, 102 and 103
    assert places.book(name, 102, 2, 2)
    assert not places.book(name, 103, 5, 2)
    assert places.book(name, 104, 5, 2)
    assert [places.book(name, second, 1, 2) for second in range(104, 108)] == [False, False, False, True]


def test_turns_are_counted_up_and_begin_again_when_they_are_over(places: Places, name: str) -> None:
    assert [places.turn(name, 1, 2, 100) for _ in range(5)] == [100, 100, 101, 101, 102]
    assert places.turn(name, 3, 2, 101) == 102
    assert places.next_turn(name, 2) == 104
    assert [places.turn(name, 1, 2, 200) for _ in range(3)] == [200, 200, 201]
    assert places.next_turn(name, 3) == 0


def test_turns_of_many_at_once_are_all_different(places: Places, name: str) -> None:
    barrier = Barrier(8)

    def turn(_: int) -> list[int]:
        barrier.wait(60)
        return [places.turn(name, 1, 1, 100) for _ in range(3)]

    with ThreadPoolExecutor(8) as pool:
        assert sorted(second for turns in pool.map(turn, range(8)) for second in turns) == list(range(100, 124))
