"""The watchdog: once a minute it lets weights recover, and judges whether each provider still reports on its emails.

Three things may look like a provider's silence and are none: counts that lie in the memory of a process, reports that
we refuse or fail to record, and a fault on our side that silences all providers at once.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from app.delivery.monitor import Monitor
from app.delivery.ports import Clock, HeadStore, HealthStore
from app.domain import silence
from app.domain.counts import REPORTED, Sums
from app.domain.head import Head
from app.domain.health import Health
from app.domain.kinds import Kind
from app.domain.silence import MATURE_AFTER_MIN, MINUTE_MS, Finding, Observation

log = logging.getLogger(__name__)

SAMPLE = 20  # emails whose heads are read before a provider is called silent
SAMPLED_OF_EACH = 100  # heads of a partition that are read for them, at most
FAULT_AFTER = 2  # checks in a row at which our own API did not answer


@dataclass
class Watchdog:
    """Judges the configured providers, at most once a minute in one process.

    `answers` asks whether our own API answers. If it does not at two checks in a row, that is a fault of ours, and so
    is each further check: one alone may have met a restart, or a function that was only starting.
    """

    store: HealthStore
    heads: HeadStore
    monitor: Monitor
    clock: Clock
    partitions: Iterable[str]  # of all emails
    answers: Callable[[], bool] = lambda: True
    _judged_minute: int = field(default=0, init=False)
    _unanswered: int = field(default=0, init=False)  # checks in a row

    def __call__(self) -> None:
        """Judge every provider. Two watchdogs at once do no harm."""
        now_ms = int(self.clock() * 1000)
        minute = now_ms // MINUTE_MS
        if minute == self._judged_minute:
            return
        self._judged_minute = minute
        healths = {name: self.store.get(name) for name in self.monitor.providers}
        self._unanswered = 0 if self.answers() else self._unanswered + 1
        if self._unanswered >= FAULT_AFTER:
            log.warning("our own API does not answer", extra={"checks": self._unanswered})
            for name, health in healths.items():
                self.store.add_minute(name, health.epoch, minute, Sums(our_faults=1), self.clock())
        seen = {name: self._observe(health, minute) for name, health in healths.items()}
        findings = [observation.finding for observation in seen.values() if observation.finding is not Finding.NOTHING]
        are_all_silent = len(findings) > 1 and set(findings) == {Finding.SILENT}
        for name, observation in seen.items():
            is_ours = are_all_silent or observation.our_faults > 0
            is_new = observation.finding is Finding.SILENT and not (healths[name].silent or observation.speaks)
            if is_new and not is_ours and self._reports_by_heads(healths[name], observation, minute):
                change = partial(silence.void, seen=observation, now_ms=now_ms)
            else:
                change = partial(silence.conclude, seen=observation, is_ours=is_ours, now_ms=now_ms)
            self.monitor.update(name, change)

    def _observe(self, health: Health, minute: int) -> Observation:
        first = minute - silence.WINDOW_AT_MOST_MIN
        minutes = self.store.newest_minutes(health.provider, health.epoch, first, minute)
        return silence.observe(health, silence.take(minutes, minute), minute)

    def _reports_by_heads(self, health: Health, seen: Observation, minute: int) -> bool:
        """Whether the provider has reported on some of the unreported emails, although the counts do not say so."""
        before_ms = (minute - MATURE_AFTER_MIN) * MINUTE_MS
        known = Sums()
        for reported in islice(self._copies(health.provider, seen.since * MINUTE_MS, before_ms), SAMPLE):
            known += Sums(accepted=1, reported=int(reported))
        if known.accepted:
            log.info(
                "heads read before a provider is called silent",
                extra={"provider": health.provider, "read": known.accepted, "reported": known.reported},
            )
        return known.accepted > 0 and known.share >= health.usual_share / 2

    def _copies(self, provider: str, first_ms: int, before_ms: int) -> Iterator[bool]:
        """For each recipient of such a call that was accepted in that time: whether its head knows of a report."""
        for partition in self.partitions:
            ids = [email_id for _, email_id in islice(self.heads.created(partition, before_ms), SAMPLED_OF_EACH)]
            for head in self.heads.get_many(ids) if ids else ():
                yield from _reported(head, provider, first_ms, before_ms)


def _reported(head: Head, provider: str, first_ms: int, before_ms: int) -> Iterator[bool]:
    for attempt in head.attempts:
        if attempt.provider == provider and first_ms <= attempt.started_at_ms < before_ms:
            for key in (key for key in attempt.recipients if attempt.outcome_for(key) is Kind.ACCEPTED):
                known = head.recipients[key].evidence.get(attempt.original_number, frozenset())
                yield bool(known & REPORTED)
