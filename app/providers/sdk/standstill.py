"""Whether this process stood still during a call: stopped, or asleep with its machine.

What such a call came to says nothing of the provider. While a machine sleeps, its monotonic clock stands still and its
wall clock does not; while a process is stopped, both go on.
"""

from dataclasses import dataclass
from typing import Final

from app.domain.freshness import Clocks, Moment

SLACK_S: Final = 1.5  # what a busy machine, or a clock that is corrected, may add


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Runs from one moment on."""

    clocks: Clocks
    began: Moment

    @classmethod
    def start(cls, clocks: Clocks) -> "Stopwatch":
        """One that runs from now on."""
        return cls(clocks, clocks.now())

    def stood_still(self, allowed_s: float) -> bool:
        """Whether the process has stood still since, as what it does takes `allowed_s` at most."""
        took_s = self.clocks.monotonic() - self.began.monotonic_s
        return took_s > allowed_s + SLACK_S or self.slept()

    def slept(self) -> bool:
        """Whether the machine has slept since."""
        now = self.clocks.now()
        return (now.wall_s - self.began.wall_s) - (now.monotonic_s - self.began.monotonic_s) > SLACK_S
