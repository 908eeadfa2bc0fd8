"""Reports that do not get through because of us: which of them count, so that no provider is called silent for them."""

import re
from dataclasses import dataclass, field
from threading import Lock

from app.delivery.monitor import Monitor
from app.delivery.ports import Clock, HeadStore
from app.domain.counts import REPORTED, Sums
from app.domain.event import Webhook
from app.domain.head import Head
from app.domain.kinds import Kind

LOOKUPS_A_MINUTE = 5  # in one process: anybody can post a forgery, and each lookup is a read
LOOKED_AT_BYTES = 200_000
EMAIL_ID = re.compile(rb"eml_[a-z0-9]{26,32}")


@dataclass
class OurFaults:
    """Counts genuine reports that were refused, or that could not be recorded."""

    heads: HeadStore
    monitor: Monitor
    clock: Clock
    _lock: Lock = field(default_factory=Lock, init=False)
    _minute: int = field(default=0, init=False)
    _lookups: int = field(default=0, init=False)

    def count(self, provider: str) -> None:
        """Count a proved report that could not be recorded."""
        self.monitor.count(provider, int(self.clock() * 1000), Sums(our_faults=1))

    def refused(self, provider: str, webhook: Webhook) -> None:
        """Count a webhook whose sender is not proved if it names an email that waits for a report of the provider.

        Nothing in it is believed: it only says which email to look up. A forger does not know such an id.
        """
        found = EMAIL_ID.search(webhook.body[:LOOKED_AT_BYTES])
        if found is None or not self._may_look_up():
            return
        head = self.heads.get(found.group().decode())
        if head is not None and _waits_for_report(head, provider):
            self.count(provider)
            self.monitor.flush()

    def _may_look_up(self) -> bool:
        minute = int(self.clock()) // 60
        with self._lock:
            if minute != self._minute:
                self._minute, self._lookups = minute, 0
            self._lookups += 1
            return self._lookups <= LOOKUPS_A_MINUTE


def _waits_for_report(head: Head, provider: str) -> bool:
    return any(
        not head.recipients[key].evidence.get(attempt.original_number, frozenset()) & REPORTED
        for attempt in head.attempts
        if attempt.provider == provider
        for key in attempt.recipients
        if attempt.outcome_for(key) in (None, Kind.ACCEPTED, Kind.UNCERTAIN)
    )
