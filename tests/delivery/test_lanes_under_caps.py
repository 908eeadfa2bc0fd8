"""Lanes share the caps: what is urgent goes first, no second exceeds its cap, and bulk is sent all the same."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.caps import KEPT_FROM, OPEN_SECOND, may_book, room, turns_a_second
from app.domain.email import Email
from app.domain.lane import Lane
from tests.support.aws import Aws
from tests.support.capped import Installation, a_call_to, capped, chance_of
from tests.support.samples import an_email
from tests.support.size import FULL

LANES = st.sampled_from(Lane)


def in_lane(lane: Lane, count: int = 1) -> list[Email]:
    return [replace(an_email(), lane=lane) for _ in range(count)]


@given(st.integers(1, 10_000), LANES, st.booleans())
def test_a_lane_has_room_in_every_second_and_never_more_than_the_cap(cap: int, lane: Lane, is_later: bool) -> None:
    found = room(cap, lane, is_later=is_later)
    assert 1 <= found <= cap
    assert found >= room(cap, Lane.BULK, is_later=is_later)
    assert turns_a_second(cap, lane) >= found or is_later


@given(st.integers(KEPT_FROM, 10_000))
def test_bulk_leaves_a_tenth_of_each_second_and_at_least_one_place(cap: int) -> None:
    left = cap - room(cap, Lane.BULK, is_later=False)
    assert cap / 10 <= left < cap / 10 + 1
    assert room(cap, Lane.NORMAL, is_later=False) == cap, "who has one lane only loses nothing"


def test_urgent_emails_leave_one_second_in_ten_to_whoever_comes_first() -> None:
    booked = [second for second in range(100) if may_book(second, Lane.URGENT, is_later=True)]
    assert len(booked) == 100 - 100 / OPEN_SECOND
    assert all(may_book(second, lane, is_later=False) for second in range(20) for lane in Lane)


@pytest.mark.parametrize("cap", [1, pytest.param(3, marks=pytest.mark.full), 10])
def test_an_urgent_email_passes_a_mailing_that_waits_for_the_cap(store: Aws, cap: int) -> None:
    installation = Installation(capped(store, cap), chance_of(cap))
    mailing = installation.take(*in_lane(Lane.BULK, cap * 8))
    installation.run(3)
    came_s = installation.harness.clock()
    (urgent,) = installation.take(*in_lane(Lane.URGENT))
    installation.run(25)
    assert installation.called_at_s[urgent] - came_s < 4
    before = [one for one in mailing if installation.called_at_s[one] < installation.called_at_s[urgent]]
    assert len(before) <= 6 * cap, "most of the mailing waits longer, though it came first"
    assert set(mailing) <= installation.called_at_s.keys()
    assert max(installation.seconds().values()) <= cap


def test_bulk_leaves_places_free_in_a_second_that_it_could_fill(store: Aws) -> None:
    installation = Installation(capped(store, 10), chance_of(1))
    installation.take(*in_lane(Lane.BULK, 40))
    installation.run(20)
    counts = installation.seconds()
    assert sum(counts.values()) == 40
    assert max(counts.values()) <= 9


def test_a_bulk_call_that_is_larger_than_its_share_takes_a_second_that_is_empty(store: Aws) -> None:
    installation = Installation(capped(store, 5), chance_of(2))
    installation.take(replace(a_call_to(5), lane=Lane.BULK), *in_lane(Lane.URGENT, 3))
    installation.run(30)
    assert sorted(people for _, people in installation.calls) == [1, 1, 1, 5]
    assert max(installation.seconds().values()) <= 5


def test_while_urgent_emails_want_the_whole_cap_others_are_sent_too(store: Aws) -> None:
    installation = Installation(capped(store, 2), chance_of(4))
    waiting = installation.take(*in_lane(Lane.BULK, 2), *in_lane(Lane.NORMAL, 2))
    for second in range(1, 25):
        at_s = installation.harness.clock() + second
        installation.time.plan(at_s, lambda: installation.take(*in_lane(Lane.URGENT, 3)) and None)
    installation.run(80)
    assert set(waiting) <= installation.called_at_s.keys()
    assert max(installation.seconds().values()) <= 2


@pytest.mark.parametrize("seed", range(20 if FULL else 2))
def test_whatever_comes_in_whichever_lane_no_second_exceeds_its_cap_and_each_stays_in_its_lane(
    store: Aws, seed: int
) -> None:
    chance = chance_of(seed)
    cap = chance.choice([1, 4, 10])
    installation = Installation(capped(store, cap), chance, lost=0.1)
    lanes: dict[str, Lane] = {}

    def take() -> None:
        email = replace(a_call_to(chance.choice([1, 1, 1, min(cap, 3)])), lane=chance.choice([*Lane]))
        (email_id,) = installation.take(email)
        lanes[email_id] = email.lane or Lane.NORMAL

    for _ in range(24):
        installation.time.plan(installation.harness.clock() + chance.uniform(0, 10), take)
    installation.run(190)
    assert Counter(installation.called_at_s.keys()) == Counter(lanes.keys())
    assert max(installation.seconds().values()) <= cap
    assert installation.lanes <= set(lanes.items())
