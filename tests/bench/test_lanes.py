"""An urgent email passes a mailing, in simulated time."""

import pytest

from bench.lanes import CAP, CASES, TARGET, Mailing, compare, simulated

BULK = 600


@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: case.title)
def test_an_urgent_email_takes_no_longer_behind_a_mailing(case: object) -> None:
    found = compare(case, BULK)  # type: ignore[arg-type] # because pytest knows no types of parameters
    assert found.ratio <= TARGET
    assert max(found.behind_s) <= 4


def test_in_one_lane_it_waits_for_the_whole_mailing() -> None:
    """Without this, the comparison above would show nothing."""
    assert compare(CASES[3], BULK).ratio > 10 * TARGET


def played() -> Mailing:
    return simulated(CASES[1], BULK)


def test_a_cap_is_kept_to_and_bulk_leaves_a_tenth_of_it() -> None:
    world = played()
    assert max(world.second.values()) <= CAP
    assert len(world.took_s) == BULK + 80, "the mailing is sent, too"
