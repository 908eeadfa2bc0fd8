"""How long to wait before a call is made again that lost to others: by chance, so that they part, and ever longer."""

from random import SystemRandom
from typing import Final

# Its chance is the operating system's: environments of Lambda that start from one snapshot have all else in common.
_CHANCE: Final = SystemRandom()


def backoff_s(number: int, first_s: float, longest_s: float) -> float:
    """Seconds to wait after the call has failed `number` times (from 1).

    At random up to `first_s`, which doubles with every time, and never longer than `longest_s`.
    """
    return _CHANCE.uniform(0, min(longest_s, first_s * 2 ** min(number - 1, 30)))
