"""What one process has lately read of the providers' health."""

import threading
from collections.abc import Mapping, Sequence

from app.delivery.ports import HealthStore
from app.domain.freshness import Clocks, Moment
from app.domain.health import Health

CACHE_FOR_S = 2.0


class HealthCache:
    """The health of the configured providers, CACHE_FOR_S old at most. Safe to share between threads."""

    def __init__(self, store: HealthStore, providers: Sequence[str], clocks: Clocks) -> None:
        self._store = store
        self._providers = providers
        self._clocks = clocks
        self._lock = threading.Lock()
        self._known: dict[str, Health] = {}
        self._known_at: Moment | None = None

    def recent(self) -> dict[str, Health]:
        """The health of every provider, read again if what is known is too old."""
        with self._lock:
            if self._clocks.is_within(self._known_at, CACHE_FOR_S):
                return dict(self._known)
        at = self._clocks.now()
        read = self._store.get_many(self._providers)
        with self._lock:
            self._known_at = at
        return self.keep(read)

    def known(self, provider: str) -> Health:
        """What was read last of a provider, however old."""
        with self._lock:
            return self._known.get(provider, Health(provider))

    def keep(self, read: Mapping[str, Health]) -> dict[str, Health]:
        """Keep what was read or written, unless a later version is known. Returns all that is known."""
        with self._lock:
            for name, health in read.items():
                if name not in self._known or health.version >= self._known[name].version:
                    self._known[name] = health
            return dict(self._known)
