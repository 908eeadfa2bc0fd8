"""Damaged health, counts, places and collapse keys: each fails nobody else."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

import pytest

from app.domain.counts import Sums
from app.domain.health import Health
from app.store.collapses import CollapseItem, Collapses
from app.store.health import PART, HealthItem, Healths, SumsItem
from app.store.places import ALL, PlaceItem, Places
from tests.support.damage import Raw, damaged, passed_over, put, stored

pytestmark = pytest.mark.usefixtures("store")

HEALTH: Mapping[str, Mapping[str, Raw | None]] = {
    "no state": {"state": None},
    "no version": {"version": None},
    "a state that is no JSON": {"state": {"S": "{"}},
    "a state that is a list": {"state": {"S": "[]"}},
    "a weight that is a text": {"state": {"S": '{"weight": "x"}'}},
    "a time that is no date": {"state": {"S": '{"cooldown_until_ms": 1e30}'}},
    "a reason that is a number": {"state": {"S": '{"breaker_reason": 5}'}},
}


@pytest.mark.parametrize("damage", HEALTH)
def test_an_account_whose_health_cannot_be_read_counts_as_healthy_until_it_is_written_again(
    damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    healths, name, other = Healths(), f"bad-{uuid4().hex[:8]}", f"good-{uuid4().hex[:8]}"
    for each in (name, other):
        assert healths.update(replace(Health(each), weight=70))
    item = stored(HealthItem, provider=name, part=PART)
    assert item is not None
    put(HealthItem, damaged(item, HEALTH[damage]))
    found = healths.get_many([name, other])
    assert (found[name].weight, found[other].weight) == (100, 70)
    assert passed_over(caplog) == [("health", name)]
    assert healths.update(replace(healths.get(name), weight=80))
    assert healths.get(name).weight == 80


def test_a_pause_that_can_be_read_holds() -> None:
    name = f"bad-{uuid4().hex[:8]}"
    state = {"S": '{"paused": true, "weight": "x"}'}
    put(HealthItem, {"provider": {"S": name}, "part": {"S": PART}, "version": {"N": "3"}, "state": state})
    assert Healths().get(name) == Health(name, paused=True, version=3)


def test_counts_that_cannot_be_read_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    healths, name = Healths(), f"provider-{uuid4().hex[:8]}"
    for minute in (1, 2, 3):
        healths.add_minute(name, 0, minute, Sums(accepted=minute), 1_800_000_000)
    part = "minute#000000#0000000002"
    put(SumsItem, {"provider": {"S": name}, "part": {"S": part}, "accepted": {"S": "many"}})
    assert healths.minutes(name, 0, 1, 3) == Sums(accepted=4)
    assert list(healths.newest_minutes(name, 0, 1, 3)) == [(3, Sums(accepted=3)), (1, Sums(accepted=1))]
    assert passed_over(caplog) == [("count", f"{name} {part}")] * 2


def test_a_day_of_places_that_cannot_be_read_has_none_left(caplog: pytest.LogCaptureFixture) -> None:
    name = f"provider-{uuid4().hex[:8]}"
    put(PlaceItem, {"provider": {"S": name}, "part": {"S": "day#020000"}, "taken": {"S": "many"}})
    put(PlaceItem, {"provider": {"S": name}, "part": {"S": "turns#normal#0000000005"}, "taken": {"S": "many"}})
    assert Places().taken(name, 20_000) == ALL > 10**9  # no cap is as high
    assert Places().next_turn(name, 5) == ALL // 5
    assert passed_over(caplog) == [("place", f"{name} day#020000"), ("place", f"{name} turns#normal#0000000005")]


@pytest.mark.parametrize("newest", [{}, {"newest": {"N": "1"}}])
def test_nothing_is_superseded_by_a_collapse_key_that_cannot_be_read(newest: Raw) -> None:
    scope = uuid4().hex
    put(CollapseItem, {"email_id": {"S": f"collapse#{scope}"}, "part": {"S": "newest"}, **newest})
    assert Collapses().newest(scope) is None
