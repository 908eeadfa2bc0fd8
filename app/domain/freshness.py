"""How long something that was read or written counts as fresh, by two clocks.

The wall clock may be set back. The monotonic one may stand still while a process is frozen. So whatever is too old by
either clock is too old, and so is whatever seems to come from the future.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

Clock = Callable[[], float]  # seconds


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment by both clocks, in seconds."""

    wall_s: float
    monotonic_s: float


@dataclass(frozen=True, slots=True)
class Clocks:
    """A wall clock (epoch seconds) and a clock that is never set."""

    wall: Clock
    monotonic: Clock = time.monotonic

    def now(self) -> Moment:
        """This moment."""
        return Moment(self.wall(), self.monotonic())

    def is_within(self, moment: Moment | None, seconds: float) -> bool:
        """Whether `moment` is less than `seconds` ago by both clocks. A moment of the future or None is not."""
        if moment is None:
            return False
        now = self.now()
        return 0 <= now.wall_s - moment.wall_s < seconds and 0 <= now.monotonic_s - moment.monotonic_s < seconds


class Elapsed:
    """A clock of the seconds that have passed since it was made, by whichever of two clocks more have passed.

    So what is to last for a while does not outlast it in a process that was frozen. May be shared between threads.
    """

    def __init__(self, wall: Clock, monotonic: Clock) -> None:
        self._wall, self._monotonic, self._lock = wall, monotonic, Lock()
        self._wall_s, self._monotonic_s, self._passed_s = wall(), monotonic(), 0.0

    def __call__(self) -> float:
        """The seconds. A wall clock that is set back takes none away; one that is set forward adds some."""
        with self._lock:
            wall_s, monotonic_s = self._wall(), self._monotonic()
            self._passed_s += max(0.0, wall_s - self._wall_s, monotonic_s - self._monotonic_s)
            self._wall_s, self._monotonic_s = wall_s, max(monotonic_s, self._monotonic_s)
            return self._passed_s
