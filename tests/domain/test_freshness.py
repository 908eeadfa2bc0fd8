"""What was read counts as fresh only if both clocks say so."""

import pytest

from app.domain.freshness import Clocks, Elapsed, Moment
from tests.support.clock import Clock

NOW = Moment(1000.0, 50.0)


@pytest.mark.parametrize(
    ("moment", "is_fresh"),
    [
        (NOW, True),
        (Moment(995.1, 45.1), True),
        (Moment(995.0, 50.0), False),
        (Moment(1000.0, 45.0), False),
        (Moment(1000.1, 50.0), False),  # the wall clock was set back
        (Moment(1000.0, 50.1), False),  # another boot, another count
        (None, False),
    ],
)
def test_what_is_fresh_for_five_seconds(moment: Moment | None, is_fresh: bool) -> None:
    clocks = Clocks(lambda: NOW.wall_s, lambda: NOW.monotonic_s)
    assert clocks.now() == NOW
    assert clocks.is_within(moment, 5) is is_fresh


def test_what_has_passed_is_what_either_clock_says_and_never_less_than_before() -> None:
    wall, monotonic = Clock(), Clock()
    elapsed = Elapsed(wall, monotonic)
    assert elapsed() == 0
    monotonic.advance(2)
    wall.advance(2)
    assert elapsed() == 2
    wall.advance(60)  # the process was frozen
    assert elapsed() == 62
    wall.advance(-3600)  # it was set back
    monotonic.advance(1)
    assert elapsed() == 63
    wall.advance(1)
    monotonic.advance(1)
    assert elapsed() == 64
