"""What was read counts as fresh only if both clocks say so."""

import pytest

from app.domain.freshness import Clocks, Moment

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
