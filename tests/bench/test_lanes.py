"""An urgent email passes a mailing, in simulated time."""

import pytest

from bench.lanes import CAP, CASES, TARGET, Case, compare, simulated
from tests.support.size import FULL

BULK, URGENT = (600, 16) if FULL else (250, 6)


@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: case.title)
def test_an_urgent_email_takes_no_longer_behind_a_mailing(case: Case) -> None:
    found = compare(case, BULK, URGENT)
    assert found.ratio <= TARGET
    assert max(found.behind_s) <= 4


def test_in_one_lane_it_waits_for_the_whole_mailing() -> None:
    """Without this, the comparison above would show nothing."""
    assert compare(CASES[3], BULK, URGENT).ratio > 10 * TARGET


def test_the_cap_is_kept_to_and_the_mailing_is_sent_too() -> None:
    world = simulated(CASES[1], BULK, URGENT)
    assert max(world.places.seconds.values()) <= CAP
    assert len(world.took_s) == BULK + 2 * URGENT
