"""What one process sees of the providers, and what it makes all processes know.

Calls are counted here and written as a sum now and then: a counter per email on one item would be a hot key exactly
when a provider is down. A breaker or a rest is written at once, since nobody else may run into it.
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
from app.domain import health as rules
from app.domain.health import Health, Sums
from app.domain.outcome import Outcome
from app.domain.standing import Caps
from app.errors import Contention

log = logging.getLogger(__name__)

CACHE_FOR_S = 5.0
FLUSH_EVERY_S = 10.0
TRIES = 20
DAY_S = 24 * 3600
# Minutes that are judged together for silence: the first window with enough emails in it, so that a team with few of
# them is watched as well.
SILENCE_WINDOWS_MIN = (15, 240)


class HealthStore(Protocol):
    """State is written conditionally, counts are added."""

    def get(self, provider: str) -> Health:
        """Strongly consistent."""

    def get_many(self, providers: Iterable[str]) -> dict[str, Health]:
        """Eventually consistent."""

    def update(self, health: Health) -> Health | None:
        """None: somebody else wrote since `health` was read."""

    def add_minute(self, provider: str, epoch: int, minute: int, sums: Sums, now_s: float) -> Sums:
        """Add, and return the counts of that minute."""

    def minutes(self, provider: str, epoch: int, first: int, last: int) -> Sums:
        """The counts of the minutes from `first` to `last`, added up."""

    def add_day(self, provider: str, day: int, accepted: int, now_s: float) -> None:
        """Count recipients of a day."""

    def day(self, provider: str, day: int) -> int:
        """Recipients of a day."""

    def reserve_second(self, provider: str, second: int, cap: int, recipients: int, now_s: float) -> bool:
        """Take places of a second."""


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
        self._flushed_at_s = -math.inf  # the first call at once: a process with little to do may not live to the second
        self._outages_in_a_row: dict[str, int] = defaultdict(int)
        self._tended_minute = 0

    def healths(self) -> dict[str, Health]:
        """Every configured provider's health: a few seconds old, but what stands in the way of one is read afresh."""
        now_s = self._clock()
        known = self._recent(now_s)
        # An operator's `resume` must count at once: nobody is skipped on old news.
        read = {name: self._store.get(name) for name, health in known.items() if health.hinders(int(now_s * 1000))}
        return self._learn(read) if read else known

    def change(self, provider: str, rule: Callable[[Health], Health]) -> Health:
        """Write what `rule` makes of the provider's health; it is asked again if somebody else wrote meanwhile."""
        for _ in range(TRIES):
            health = self._store.get(provider)
            changed = rule(health)
            written = health if changed is health else self._store.update(changed)
            if written is not None:
                self._learn({provider: written})
                if changed is not health:
                    _log(health, written)
                return written
        raise Contention(f"the health of {provider} kept being written by others")

    def sent_today(self) -> dict[str, int]:
        """Recipients that providers with a daily cap took today (UTC), as far as they are counted yet."""
        day = int(self._clock()) // DAY_S
        return {name: self._store.day(name, day) for name, cap in self._caps.items() if cap.daily is not None}

    def reserve(self, provider: str, recipients: int) -> bool:
        """Take a place where few are in: the one probe of an open breaker, some of a second's. False: none is free."""
        now_s = self._clock()
        health = self._store.get(provider)
        if health.breaker_until_ms is not None:
            leased = rules.probing(health, int(now_s * 1000))
            written = self._store.update(leased) if leased else None
            if written:
                self._learn({provider: written})  # so that it is known whose failure opens the breaker for longer
            return written is not None
        per_second = self._caps.get(provider, Caps()).per_second
        return per_second is None or self._store.reserve_second(provider, int(now_s), per_second, recipients, now_s)

    def called(self, provider: str, outcome: Outcome, recipients: int) -> None:
        """A call is over: count it, and tell everybody at once what everybody must know."""
        now_ms = int(self._clock() * 1000)
        with self._lock:
            run = self._outages_in_a_row[provider] + 1 if rules.is_outage(outcome) else 0
            self._outages_in_a_row[provider] = run % rules.OUTAGES_IN_A_ROW  # a run counts once
            known = self._known.get(provider, Health(provider))
        if rules.after_call(known, outcome, run, now_ms) is not known:
            self.change(provider, lambda health: rules.after_call(health, outcome, run, now_ms))
        self.count(provider, now_ms, rules.counted(outcome, recipients))

    def count(self, provider: str, at_ms: int, sums: Sums) -> None:
        """Count for the minute of `at_ms`, the time of the call; written with the next flush."""
        if sums != Sums():
            epoch = self._recent(self._clock())[provider].epoch
            with self._lock:
                self._pending[provider, epoch, at_ms // 60_000] += sums

    def flush(self, *, now: bool = False) -> None:
        """Write the counts if it is time, and move weights if they say so."""
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
                if total.looks_bad:
                    self._judge(provider, epoch, minute, total)
        finally:
            with self._lock:  # what a store that failed did not take comes with the next flush
                for key, sums in pending.items():
                    self._pending[key] += sums

    def tend(self) -> None:
        """What only time shows: weights that come back, providers that have fallen silent. Once a minute."""
        now_ms = int(self._clock() * 1000)
        minute = now_ms // 60_000
        if minute == self._tended_minute:
            return
        self._tended_minute = minute
        for name in self._providers:
            epoch = self._store.get(name).epoch
            sums = self._old_enough(name, epoch, minute)
            self.change(name, partial(_tended, epoch=epoch, sums=sums, now_ms=now_ms))

    def _old_enough(self, provider: str, epoch: int, minute: int) -> Sums:
        """The counts of calls that should have been reported on by now: enough to judge, if there are enough."""
        end = minute - rules.SILENT_AFTER_MS // 60_000
        sums = Sums()
        for window_min in SILENCE_WINDOWS_MIN:
            sums = self._store.minutes(provider, epoch, end - window_min, end - 1)
            if sums.accepted >= rules.ENOUGH_TO_JUDGE:
                break
        return sums

    def _recent(self, now_s: float) -> dict[str, Health]:
        """What is known, not older than the cache may be."""
        with self._lock:
            if now_s < self._known_until_s:
                return dict(self._known)
        read = self._store.get_many(self._providers)
        with self._lock:
            self._known_until_s = now_s + CACHE_FOR_S
        return self._learn(read)

    def _learn(self, read: Mapping[str, Health]) -> dict[str, Health]:
        """Keep what was read or written, unless another thread has kept a later version; what is known now."""
        with self._lock:
            for name, health in read.items():
                if name not in self._known or health.version >= self._known[name].version:
                    self._known[name] = health
            return dict(self._known)

    def _judge(self, provider: str, epoch: int, minute: int, sums: Sums) -> None:
        known = self.healths()
        others = {
            name: self._store.minutes(name, health.epoch, minute, minute)
            for name, health in known.items()
            if name != provider
        }
        now_ms = int(self._clock() * 1000)

        def judged(health: Health) -> Health:
            return rules.moved_away(health, sums, others, now_ms) if health.epoch == epoch else health

        self.change(provider, judged)


def _tended(health: Health, epoch: int, sums: Sums, now_ms: int) -> Health:
    if health.epoch != epoch:
        return health
    return rules.heard(rules.recovered(health, now_ms), sums, now_ms)


def _log(old: Health, new: Health) -> None:
    if replace(old, usual_share=0, moved_at_ms=0, version=0) == replace(new, usual_share=0, moved_at_ms=0, version=0):
        return  # it has learned, nothing has happened
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
