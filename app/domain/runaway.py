"""When a key has run away: a loop that sends and sends. An hour is one of the clock, counted from the epoch."""

from collections.abc import Iterable
from statistics import median
from typing import Final

HOUR_S: Final = 3600
ALWAYS: Final = 1000  # emails of one hour that no key is slowed for
TIMES: Final = 10
MEDIAN_OF_HOURS: Final = 7 * 24
SAME: Final = 20  # identical emails to the same recipients in one hour


def most_an_hour(earlier: Iterable[int]) -> int:
    """How many emails a key may send in an hour. `earlier` has what it sent in each hour before.

    Hours without any do not count: a key that sends by day would have a median of none.
    """
    sent = [count for count in earlier if count]
    return max(ALWAYS, TIMES * int(median(sent))) if sent else ALWAYS


def left_of_hour_s(now_s: float) -> int:
    """How many seconds are left of the hour, 1 at least."""
    return max(1, HOUR_S - int(now_s) % HOUR_S)
