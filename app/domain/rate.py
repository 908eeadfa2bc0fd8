"""How many emails a key may send a second, as a bucket that a second fills.

What is taken is kept as the time at which it will be paid for. A call is let through if all that it takes is there; one
that takes more than a second has needs a full bucket, and those that follow wait until it is paid for. Times are epoch
microseconds.
"""

from dataclasses import dataclass
from typing import Final

SECOND_US: Final = 1_000_000
MOST_AT_ONCE: Final = 100  # emails of one call
MOST_A_SECOND: Final = 10_000  # that a key may be limited to
_SKEW_US: Final = 5 * SECOND_US  # by which the clocks of two processes may differ


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit of so many emails a second."""

    per_s: int

    def cost_us(self, count: int) -> int:
        """How long it takes until `count` emails are paid for."""
        return count * SECOND_US // self.per_s  # rounded down, so that a second has room for all of its emails

    def latest_us(self, count: int, now_us: int) -> int:
        """Until when all that was taken before must be paid for, so that `count` more may be taken now."""
        return now_us + SECOND_US - min(self.cost_us(count), SECOND_US)

    def beyond_us(self, now_us: int) -> int:
        """What no process can have stored: later than this is what a clock has left that was set back since."""
        return now_us + SECOND_US + self.cost_us(MOST_AT_ONCE) + _SKEW_US

    def left(self, paid_us: int, now_us: int) -> int:
        """How many emails may be taken now."""
        return max(0, min(self.per_s, (now_us + SECOND_US - paid_us) * self.per_s // SECOND_US))
