"""Providers' health and counts in their table."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from uuid import uuid4

import pytest

from app.domain.counts import Sums
from app.domain.health import Health
from app.store.health import SUMS_KEPT_FOR_S, Healths, SumsItem
from tests.support.aws import Aws

NOW_S = 1_800_000_000.0
MINUTE = int(NOW_S) // 60
WORST = Health("", 20, 1, 2, "401", 4, 5, 6, paused=True, silent=True, usual_share=0.9125, epoch=3, usual_of=8)


@pytest.fixture
def healths(store: Aws) -> Healths:
    return Healths()


@pytest.fixture
def name() -> str:
    """A provider that no other test has heard of."""
    return f"provider-{uuid4().hex[:8]}"


def test_a_provider_that_was_never_written_is_healthy(healths: Healths, name: str) -> None:
    assert healths.get(name) == Health(name)
    assert healths.get_many([name]) == {name: Health(name)}


def test_what_was_written_is_read(healths: Healths, name: str) -> None:
    worst = replace(WORST, provider=name)
    written = healths.update(worst)
    assert written == replace(worst, version=1)
    assert healths.get(name) == written
    other = f"{name}-other"
    assert healths.get_many([other, name]) == {other: Health(other), name: written}


def test_a_state_is_replaced_only_by_who_read_it(healths: Healths, name: str) -> None:
    first = healths.update(Health(name, 90))
    assert healths.update(Health(name, 80)) is None
    assert first is not None
    assert healths.update(replace(first, weight=80)) == Health(name, 80, version=2)
    assert healths.update(replace(first, weight=70)) is None
    assert healths.get(name).weight == 80


def test_counts_are_added_by_minute_and_epoch(healths: Healths, name: str) -> None:
    assert healths.add_minute(name, 0, MINUTE, Sums(1, 2, 3, 4, 5), NOW_S) == Sums(1, 2, 3, 4, 5)
    assert healths.add_minute(name, 0, MINUTE, Sums(accepted=9), NOW_S) == Sums(10, 2, 3, 4, 5)
    healths.add_minute(name, 0, MINUTE + 2, Sums(reported=7), NOW_S)
    healths.add_minute(name, 1, MINUTE, Sums(failed=99), NOW_S)
    assert healths.minutes(name, 0, MINUTE, MINUTE) == Sums(10, 2, 3, 4, 5)
    assert healths.minutes(name, 0, MINUTE - 1, MINUTE + 1) == Sums(10, 2, 3, 4, 5)
    assert healths.minutes(name, 0, MINUTE, MINUTE + 2) == Sums(10, 2, 3, 4, 12)
    assert healths.minutes(name, 1, MINUTE, MINUTE + 2) == Sums(failed=99)
    assert healths.minutes(name, 2, MINUTE, MINUTE + 2) == Sums()


def test_a_window_of_minutes_has_two_ends_that_are_included(healths: Healths, name: str) -> None:
    for minute in range(30):
        healths.add_minute(name, 0, MINUTE + minute, Sums(accepted=1), NOW_S)
    assert healths.minutes(name, 0, MINUTE + 5, MINUTE + 14) == Sums(accepted=10)


def test_counts_of_many_at_once_are_all_there(healths: Healths, name: str) -> None:
    barrier = Barrier(16)

    def add(_: int) -> None:
        barrier.wait(60)
        for _ in range(5):
            healths.add_minute(name, 0, MINUTE, Sums(accepted=1, failed=2), NOW_S)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(add, range(16)))
    assert healths.minutes(name, 0, MINUTE, MINUTE) == Sums(accepted=80, failed=160)


def test_counts_beside_the_state_do_not_disturb_it(healths: Healths, name: str) -> None:
    written = healths.update(Health(name, 90))
    healths.add_minute(name, 0, MINUTE, Sums(1), NOW_S)
    assert healths.get(name) == written


def test_counts_are_forgotten_by_ttl_and_the_state_is_not(healths: Healths, name: str) -> None:
    healths.update(Health(name, 90))
    healths.add_minute(name, 0, MINUTE, Sums(1), NOW_S)
    ttls = {item.part.partition("#")[0]: item.ttl and item.ttl.timestamp() for item in SumsItem.query(name)}
    kept_until_s = NOW_S + SUMS_KEPT_FOR_S
    assert ttls == {
        "health": None,
        "minute": kept_until_s,
    }


def test_a_minute_is_marked_as_judged_once_and_only_if_it_has_counts(healths: Healths, name: str) -> None:
    assert not healths.mark_judged(name, 0, MINUTE)
    healths.add_minute(name, 0, MINUTE, Sums(failed=60), NOW_S)
    barrier = Barrier(8)

    def mark(_: int) -> bool:
        barrier.wait(60)
        return healths.mark_judged(name, 0, MINUTE)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(mark, range(8))) == 1
    assert healths.minutes(name, 0, MINUTE, MINUTE) == Sums(failed=60)


def test_minutes_are_read_newest_first(healths: Healths, name: str) -> None:
    for minute in range(70):
        healths.add_minute(name, 2, MINUTE + minute, Sums(accepted=minute, our_faults=1), NOW_S)
    found = list(healths.newest_minutes(name, 2, MINUTE + 1, MINUTE + 68))
    assert found == [(MINUTE + minute, Sums(accepted=minute, our_faults=1)) for minute in range(68, 0, -1)]
