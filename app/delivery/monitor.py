"""The monitor: what one process knows of the providers' health, and what it shares with other processes.

Calls are counted in the process and written as sums every few seconds. A counter that is written per email would be a
hot key exactly when a provider is down. A breaker or a cooldown is written at once, so that no other process makes the
same failing call.
"""

import logging
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from app.delivery.ports import Clock
from app.domain import health as health_rules
from app.domain.health import Health, Sums
from app.domain.outcome import Outcome
from app.domain.route import Caps
from app.errors import Contention

log = logging.getLogger(__name__)

CACHE_FOR_S = 5.0
FLUSH_EVERY_S = 10.0
TRIES = 20  # a write gives up after it has lost this often to other writers
DAY_S = 24 * 3600
# Minutes that are judged together for silence. The first window with enough emails in it is used, so that silence is
# also noticed where few emails are sent.
SILENCE_WINDOWS_MIN = (15, 240)


class HealthStore(Protocol):
    """Stores health, which is written conditionally, and counts, which are only added to."""

    def get(self, provider: str) -> Health:
        """A provider's health, by a strongly consistent read."""

    def get_many(self, providers: Iterable[str]) -> dict[str, Health]:
        """The health of each provider by name, by an eventually consistent read."""

    def update(self, health: Health) -> Health | None:
        """Replace the stored health. Returns None if another writer did so since `health` was read."""

    def add_minute(self, provider: str, epoch: int, minute: int, sums: Sums, now_s: float) -> Sums:
        """Add `sums` to the counts of that minute of the Unix epoch, and return them."""

    def minutes(self, provider: str, epoch: int, first: int, last: int) -> Sums:
        """The counts of the minutes from `first` to `last`, both included, added up."""

    def add_day(self, provider: str, day: int, accepted: int, now_s: float) -> None:
        """Count recipients whom a provider accepted on that day of the Unix epoch (UTC)."""

    def day(self, provider: str, day: int) -> int:
        """How many recipients were counted on that day."""

    def reserve_second(self, provider: str, second: int, cap: int, recipients: int, now_s: float) -> bool:
        """Reserve places under the cap of that second. Returns False if all are taken."""


class Monitor:
    """The shared health of the configured providers. Safe to share between threads."""

    def __init__(
        self, store: HealthStore, providers: Sequence[str], clock: Clock, caps: Mapping[str, Caps] | None = None
    ) -> None:
        self._store = store
        self._caps = caps or {}
        self._providers = tuple(providers)
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, Health] = {}
        self._known_until_s = 0.0
        self._pending: dict[tuple[str, int, int], Sums] = defaultdict(Sums)  # by provider, epoch, minute
        # The first count is written at once: a process that has little to do may end before the second.
        self._flushed_at_s = -math.inf
        self._outages_in_a_row: dict[str, int] = defaultdict(int)
        self._maintained_minute = 0

    def healths(self) -> dict[str, Health]:
        """The health of every configured provider, a few seconds old at most.

        The health of an impaired provider is read afresh, so that an operator's `resume` is in force at once.
        """
        now_s = self._clock()
        known = self._recent(now_s)
        impaired = [name for name, health in known.items() if health.is_impaired(int(now_s * 1000))]
        return self._keep({name: self._store.get(name) for name in impaired}) if impaired else known

    def update(self, provider: str, change: Callable[[Health], Health]) -> Health:
        """Write `change(health)` for the provider, and again if another process wrote meanwhile.

        Raises Contention after TRIES tries.
        """
        for _ in range(TRIES):
            health = self._store.get(provider)
            changed = change(health)
            written = health if changed is health else self._store.update(changed)
            if written is not None:
                self._keep({provider: written})
                if changed is not health:
                    _log(health, written)
                return written
        raise Contention(f"the health of {provider} kept being written by others")

    def sent_today(self) -> dict[str, int]:
        """How many recipients each provider with a daily cap accepted today (UTC), as far as they are counted yet."""
        day = int(self._clock()) // DAY_S
        return {name: self._store.day(name, day) for name, cap in self._caps.items() if cap.daily is not None}

    def reserve(self, provider: str, recipients: int) -> bool:
        """Reserve capacity: the single breaker probe, or places under the per-second cap. False: none is free."""
        now_s = self._clock()
        health = self._store.get(provider)
        if health.breaker_until_ms is not None:
            leased = health_rules.lease_probe(health, int(now_s * 1000))
            written = self._store.update(leased) if leased else None
            if written:
                self._keep({provider: written})  # so that a failure of this probe opens the breaker for longer
            return written is not None
        per_second = self._caps.get(provider, Caps()).per_second
        return per_second is None or self._store.reserve_second(provider, int(now_s), per_second, recipients, now_s)

    def record_call(self, provider: str, outcome: Outcome, recipients: int) -> None:
        """Count a call that has ended, and write at once what changes the breaker or starts a cooldown."""
        now_ms = int(self._clock() * 1000)
        with self._lock:
            run = self._outages_in_a_row[provider] + 1 if health_rules.is_outage(outcome) else 0
            self._outages_in_a_row[provider] = run % health_rules.OUTAGES_IN_A_ROW  # each run is counted once
            known = self._known.get(provider, Health(provider))
        if health_rules.after_call(known, outcome, run, now_ms) is not known:
            self.update(provider, lambda health: health_rules.after_call(health, outcome, run, now_ms))
        self.count(provider, now_ms, health_rules.count_outcome(outcome, recipients))

    def count(self, provider: str, at_ms: int, sums: Sums) -> None:
        """Add to the counts of the minute of `at_ms`, the time of the call. The next flush writes them.

        An account that left PROVIDERS has no health: its late reports count for nothing.
        """
        if sums != Sums() and provider in self._providers:
            epoch = self._recent(self._clock())[provider].epoch
            with self._lock:
                self._pending[provider, epoch, at_ms // 60_000] += sums

    def flush(self, *, now: bool = False) -> None:
        """Write the counts if the last flush is long enough ago (or `now`), and lower weights if they are bad."""
        now_s = self._clock()
        with self._lock:
            if not self._pending or not (now or now_s - self._flushed_at_s >= FLUSH_EVERY_S):
                return
            pending, self._pending = self._pending, defaultdict(Sums)
            self._flushed_at_s = now_s
        try:
            while pending:
                (provider, epoch, minute), sums = next(iter(pending.items()))
                total = self._store.add_minute(provider, epoch, minute, sums, now_s)
                del pending[provider, epoch, minute]
                if sums.accepted:
                    self._store.add_day(provider, minute // 1440, sums.accepted, now_s)
                if total.is_bad:
                    self._judge_minute(provider, epoch, minute, total)
        finally:
            with self._lock:  # counts that could not be written are written with the next flush
                for key, sums in pending.items():
                    self._pending[key] += sums

    def maintain(self) -> None:
        """Let weights recover and judge whether providers have fallen silent, once a minute."""
        now_ms = int(self._clock() * 1000)
        minute = now_ms // 60_000
        if minute == self._maintained_minute:
            return
        self._maintained_minute = minute
        for name in self._providers:
            epoch = self._store.get(name).epoch
            sums = self._reportable_sums(name, epoch, minute)
            self.update(name, partial(_maintain, epoch=epoch, sums=sums, now_ms=now_ms))

    def _reportable_sums(self, provider: str, epoch: int, minute: int) -> Sums:
        """The counts of calls that are old enough to be reported on, over the first window with enough of them."""
        end = minute - health_rules.SILENT_AFTER_MS // 60_000
        sums = Sums()
        for window_min in SILENCE_WINDOWS_MIN:
            sums = self._store.minutes(provider, epoch, end - window_min, end - 1)
            if sums.accepted >= health_rules.ENOUGH_TO_JUDGE:
                break
        return sums

    def _recent(self, now_s: float) -> dict[str, Health]:
        """The cached healths, read again if they are too old."""
        with self._lock:
            if now_s < self._known_until_s:
                return dict(self._known)
        read = self._store.get_many(self._providers)
        with self._lock:
            self._known_until_s = now_s + CACHE_FOR_S
        return self._keep(read)

    def _keep(self, read: Mapping[str, Health]) -> dict[str, Health]:
        """Cache what was read or written, unless a later version is cached. Returns the whole cache."""
        with self._lock:
            for name, health in read.items():
                if name not in self._known or health.version >= self._known[name].version:
                    self._known[name] = health
            return dict(self._known)

    def _judge_minute(self, provider: str, epoch: int, minute: int, sums: Sums) -> None:
        known = self.healths()
        others = {
            name: self._store.minutes(name, health.epoch, minute, minute)
            for name, health in known.items()
            if name != provider
        }
        now_ms = int(self._clock() * 1000)

        def judge(health: Health) -> Health:
            return health_rules.move_away(health, sums, others, now_ms) if health.epoch == epoch else health

        self.update(provider, judge)


def _maintain(health: Health, epoch: int, sums: Sums, now_ms: int) -> Health:
    if health.epoch != epoch:
        return health
    return health_rules.judge_silence(health_rules.recover_weight(health, now_ms), sums, now_ms)


def _log(old: Health, new: Health) -> None:
    if replace(old, usual_share=0, moved_at_ms=0, version=0) == replace(new, usual_share=0, moved_at_ms=0, version=0):
        return  # only the usual share has changed, which is no news to an operator
    log.warning(
        "health",
        extra={
            "provider": new.provider,
            "weight": new.weight,
            "was_weight": old.weight,
            "breaker": "open" if new.breaker_until_ms is not None else "closed",
            "breaker_opened": new.breaker_until_ms is not None and old.breaker_until_ms is None,
            "paused": new.paused,
            "silent": new.silent,
            "fell_silent": new.silent and not old.silent,
        },
    )
