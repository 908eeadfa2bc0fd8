"""What one process has counted and not yet written, and when it is to be written.

A write every few seconds is enough for what is judged. The first failure of an account is written at once, so that an
operator sees it; those after it, in the same minute, wait for the next write, or a provider that is down would cause
one for every email.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.calls import Calls
from app.domain.counts import Sums
from app.domain.freshness import Clocks, Moment

FLUSH_EVERY_S = 10.0

Key = tuple[str, int, int]  # provider, epoch of its health, minute of the Unix epoch


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted of one provider in one minute."""

    sums: Sums = field(default_factory=Sums)
    calls: Calls = field(default_factory=Calls)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.sums + other.sums, self.calls + other.calls)


class PendingCounts:
    """Counts by provider, epoch and minute. Safe to share between threads."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._lock = threading.Lock()
        self._pending: dict[Key, Counts] = defaultdict(Counts)
        # The first count is written at once: a process that has little to do may end before the second.
        self._flushed_at: Moment | None = None
        self._failing: dict[str, int] = {}  # by provider, the minute whose first failure was noticed last
        self._is_urgent = False

    def add(self, provider: str, epoch: int, minute: int, counts: Counts) -> None:
        """Keep `counts`, unless there is nothing in them."""
        if counts == Counts():
            return
        with self._lock:
            self._pending[provider, epoch, minute] += counts
            if counts.calls.failed and self._failing.get(provider) != minute:
                self._failing[provider] = minute
                self._is_urgent = True

    def is_due(self) -> bool:
        """Whether counts wait, and either the last write is FLUSH_EVERY_S ago, or a failure is the first one."""
        with self._lock:
            is_early = self._clocks.is_within(self._flushed_at, FLUSH_EVERY_S)
            return bool(self._pending) and (self._is_urgent or not is_early)

    def take(self) -> dict[Key, Counts]:
        """Take all that waits, to write it now. What could not be written goes to `put_back`."""
        with self._lock:
            taken, self._pending = dict(self._pending), defaultdict(Counts)
            self._flushed_at, self._is_urgent = self._clocks.now(), False
        return taken

    def put_back(self, counts: Mapping[Key, Counts]) -> None:
        """Keep what could not be written for the next write."""
        with self._lock:
            for key, one in counts.items():
                self._pending[key] += one
