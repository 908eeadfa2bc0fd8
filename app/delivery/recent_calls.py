"""What was counted of the calls of the last minutes, by all processes together."""

import threading
from collections.abc import Mapping
from time import monotonic as time_monotonic
from typing import Final, Protocol

from app.delivery.monitor import Monitor
from app.delivery.ports import Clock
from app.domain.calls import Calls, first_recent_minute
from app.domain.freshness import Clocks, Moment
from app.domain.health import Health

CACHE_FOR_S: Final = 5.0  # whoever asks, each process reads them this often at most: /health asks for no key


class CallStore(Protocol):
    """Stores the counts of calls, which the monitors of all processes add to."""

    def calls(self, provider: str, epoch: int, first: int, last: int) -> Calls:
        """The calls of the minutes from `first` to `last`, both included, in one epoch, added up."""


class RecentCalls:
    """The calls of each configured provider in the last five minutes. Safe to share between threads."""

    def __init__(self, store: CallStore, monitor: Monitor, clock: Clock, monotonic: Clock = time_monotonic) -> None:
        self._store, self._monitor, self._clock = store, monitor, clock
        self._clocks = Clocks(clock, monotonic)
        self._lock = threading.Lock()
        self._known: Mapping[str, Calls] = {}
        self._known_at: Moment | None = None

    def __call__(self) -> Mapping[str, Calls]:
        """The calls by provider, CACHE_FOR_S old at most, and what each process has not written yet.

        Who asks while another thread reads gets what was read before; a provider of which nothing is known yet has no
        calls. Raises what the store raises, to the one that reads.
        """
        with self._lock:
            if self._clocks.is_within(self._known_at, CACHE_FOR_S):
                return self._known
            self._known_at = self._clocks.now()
        known = dict.fromkeys(self._monitor.providers, Calls())
        known |= {name: self.of(health) for name, health in self._monitor.healths().items()}
        with self._lock:
            self._known = known
        return known

    def of(self, health: Health) -> Calls:
        """The calls of one provider, read now. Those before an operator's `resume` no longer count."""
        now_ms = int(self._clock() * 1000)
        return self._store.calls(health.provider, health.epoch, first_recent_minute(now_ms), now_ms // 60_000)
