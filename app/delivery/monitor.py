"""The monitor: what one process knows of the providers' health, and what it shares with other processes.

Calls are counted in the process and written as sums every few seconds. A counter that is written per email would be a
hot key exactly when a provider is down. A breaker or a cooldown is written at once, so that no other process makes the
same failing call.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from app.delivery.health_cache import CACHE_FOR_S, HealthCache
from app.delivery.pending_counts import Counts, PendingCounts
from app.delivery.ports import Clock, HealthStore
from app.domain import health as health_rules
from app.domain.backoff import backoff_s
from app.domain.calls import count_call
from app.domain.counts import Sums, count_outcome, is_outage
from app.domain.event import ProviderEvent
from app.domain.freshness import Clocks
from app.domain.health import Health
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.errors import Contention

log = logging.getLogger(__name__)

# So long after a pause was written, no call begins through that provider any more: nobody knows an older health then,
# and who knew it last has had time to begin.
IN_FORCE_AFTER_S = CACHE_FOR_S + 0.5
FIRST_WAIT_S, LONGEST_WAIT_S = 0.005, 0.2  # before another try
TRIES = 20  # a write gives up after it has lost this often to other writers


class Monitor:
    """The shared health of the configured providers. Safe to share between threads."""

    def __init__(
        self,
        store: HealthStore,
        providers: Sequence[str],
        clock: Clock,
        monotonic: Clock = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """`wait` lets a number of seconds pass."""
        self._wait = wait
        self._store = store
        self._providers = tuple(providers)
        self._clock = clock
        self._clocks = Clocks(clock, monotonic)
        self._lock = threading.Lock()
        self._cache = HealthCache(store, self._providers, self._clocks)
        self._pending = PendingCounts(self._clocks)
        self._outages_in_a_row: dict[str, int] = defaultdict(int)
        self._probes: dict[str, int] = {}  # the lease of the probe that this process makes

    @property
    def providers(self) -> tuple[str, ...]:
        """The names of the configured providers."""
        return self._providers

    def healths(self) -> dict[str, Health]:
        """The health of every configured provider, a few seconds old at most.

        The health of an impaired provider is read afresh, so that an operator's `resume` is in force at once.
        """
        now_s = self._clock()
        known = self._cache.recent()
        impaired = [name for name, health in known.items() if health.is_impaired(int(now_s * 1000))]
        return self._cache.keep({name: self._store.get(name) for name in impaired}) if impaired else known

    def update(self, provider: str, change: Callable[[Health], Health]) -> Health:
        """Write `change(health)` for the provider, and again if another process wrote meanwhile.

        Raises Contention after TRIES tries.
        """
        for number in range(1, TRIES + 1):
            health = self._store.get(provider)
            changed = change(health)
            written = health if changed is health else self._store.update(changed)
            if written is not None:
                self._cache.keep({provider: written})
                if changed is not health:
                    _log(health, written)
                return written
            time.sleep(backoff_s(number, FIRST_WAIT_S, LONGEST_WAIT_S))
        raise Contention(f"the health of {provider} kept being written by others")

    def put_in_force(self, provider: str, change: Callable[[Health], Health]) -> tuple[Health, int]:
        """As `update`, for an operator: return when every process keeps to it, and the time of that in epoch ms."""
        health = self.update(provider, change)
        self._wait(IN_FORCE_AFTER_S)
        return health, int(self._clock() * 1000)

    def is_paused(self, provider: str) -> bool:
        """Whether an operator has paused the provider, as was known CACHE_FOR_S ago at the earliest.

        If that cannot be read now, what was read last counts: a call that was claimed is to be made.
        """
        try:
            self._cache.recent()
        except Exception as error:  # noqa: BLE001 because the claim would be lost, whatever failed
            log.warning("health not read", extra={"provider": provider, "reason": type(error).__name__})
        return self._cache.known(provider).paused

    def lease_probe(self, provider: str) -> bool:
        """Take the single probe of an open breaker. False: another email has it. A closed breaker needs none."""
        health = self._store.get(provider)
        if health.breaker_until_ms is None:
            return True
        leased = health_rules.lease_probe(health, int(self._clock() * 1000))
        written = self._store.update(leased) if leased else None
        if written and written.probe_until_ms is not None:
            self._cache.keep({provider: written})  # so that a failure of this probe opens the breaker for longer
            self._probes[provider] = written.probe_until_ms
        return written is not None

    def end_probe(self, provider: str) -> None:
        """Give back the probe that this process has, because no call is made: the next email may probe the breaker."""
        lease_ms = self._probes.pop(provider, None)
        if lease_ms is not None:
            self.update(provider, lambda health: health_rules.end_probe(health, lease_ms))

    def record_call(
        self,
        provider: str,
        outcome: Outcome,
        recipients: int,
        began_at_ms: int | None = None,
        *,
        duration_ms: int = 0,
    ) -> None:
        """Count a call that has ended, and write at once what changes the breaker or starts a cooldown.

        It counts in the minute in which the call began (None: now), as the reports on it do.
        """
        now_ms = int(self._clock() * 1000)
        with self._lock:
            run = self._outages_in_a_row[provider] + 1 if is_outage(outcome) else 0
            self._outages_in_a_row[provider] = run % health_rules.OUTAGES_IN_A_ROW  # each run is counted once
        known = self._cache.known(provider)
        if health_rules.after_call(known, outcome, run, now_ms) is not known:
            self.update(provider, lambda health: health_rules.after_call(health, outcome, run, now_ms))
        self._probes.pop(provider, None)
        counts = Counts(count_outcome(outcome, recipients, duration_ms), count_call(outcome, now_ms))
        self._count(provider, now_ms if began_at_ms is None else began_at_ms, counts)

    def record_drop(self, event: ProviderEvent) -> None:
        """Write at once what a drop says of the account. An account that left PROVIDERS has no health."""
        if event.kind is not Kind.DROPPED or event.provider not in self._providers:
            return
        now_ms = int(self._clock() * 1000)

        def change(health: Health) -> Health:
            return health_rules.after_drop(health, event.cause, event.detail, event.at_ms, now_ms)

        known = self._cache.recent()[event.provider]
        if change(known) is not known:
            self.update(event.provider, change)

    def count(self, provider: str, at_ms: int, sums: Sums) -> None:
        """Add to the counts of the minute of `at_ms`, the time of the call. The next flush writes them.

        An account that left PROVIDERS has no health: its late reports count for nothing.
        """
        if sums != Sums():
            self._count(provider, at_ms, Counts(sums))

    def _count(self, provider: str, at_ms: int, counts: Counts) -> None:
        if provider in self._providers:
            self._pending.add(provider, self._cache.recent()[provider].epoch, at_ms // 60_000, counts)

    def is_flush_due(self) -> bool:
        """Whether counts wait to be written, and the last flush is long enough ago or an account began to fail."""
        return self._pending.is_due()

    def flush(self, *, now: bool = False) -> None:
        """Write the counts if a flush is due (or `now`), and lower weights if they are bad."""
        if not (now or self.is_flush_due()):
            return
        pending, now_s = self._pending.take(), self._clock()
        try:
            while pending:
                (provider, epoch, minute), counts = next(iter(pending.items()))
                total = self._store.add_minute(provider, epoch, minute, counts.sums, now_s, counts.calls)
                del pending[provider, epoch, minute]
                if total.is_bad and counts.sums.has_errors:
                    self._judge_minute(provider, epoch, minute, total)
        finally:
            self._pending.put_back(pending)  # counts that could not be written are written with the next flush

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

        health = self._store.get(provider)
        # A minute moves a weight once. Its mark comes before the step: a step may be lost, but is never made twice.
        if judge(health) is not health and self._store.mark_judged(provider, epoch, minute):
            self.update(provider, judge)


_OF_NO_INTEREST: dict[str, Any] = {  # to an operator: what is learned, and what another line tells
    "usual_share": 0,
    "usual_of": 0,
    "learned_minute": 0,
    "lowered_minute": 0,
    "first_minute": 0,
    "low_since_ms": None,
    "resumed_at_ms": None,
    "moved_at_ms": 0,
    "version": 0,
}


def _log(old: Health, new: Health) -> None:
    if replace(old, **_OF_NO_INTEREST) == replace(new, **_OF_NO_INTEREST):
        return
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
            "webhooks_failing": new.webhooks_failing,
            "webhooks_began_to_fail": new.webhooks_failing and not old.webhooks_failing,
        },
    )
