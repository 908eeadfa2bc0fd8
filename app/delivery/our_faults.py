"""Reports that do not get through because of us: which of them count, so that no provider is called silent for them."""

import re
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock

from app.delivery.monitor import Monitor
from app.delivery.ports import Clock, HeadStore
from app.domain.counts import REPORTED, Sums
from app.domain.event import Webhook
from app.domain.head import Head
from app.domain.kinds import Kind

# In one process, for each account: anybody can post a forgery, and each lookup is a read.
LOOKUPS_A_MINUTE = 5
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
    _lookups: Counter[str] = field(default_factory=Counter, init=False)

    def count(self, provider: str) -> None:
        """Count a proved report that could not be recorded."""
        self.monitor.count(provider, int(self.clock() * 1000), Sums(our_faults=1))

    def refused(self, account: str, webhook: Webhook) -> None:
        """Count a webhook at the path of `account` whose sender is not proved, if it names an email that waits for one.

        It counts for that account. If the email never went there, it counts for those that it went to: the webhooks of
        two accounts may have been mixed up. Nothing in it is believed: it only says which emails to look up. A forger
        does not know such an id.
        """
        for email_id in dict.fromkeys(EMAIL_ID.findall(webhook.body[:LOOKED_AT_BYTES])):
            if not self._may_look_up(account):
                return
            head = self.heads.get(email_id.decode())
            if head is not None and (waiting := _that_wait(head, account)):
                for each in waiting:
                    self.count(each)
                self.monitor.flush()
                return

    def _may_look_up(self, account: str) -> bool:
        path = account if account in self.monitor.providers else ""  # all others share one place
        minute = int(self.clock()) // 60
        with self._lock:
            if minute != self._minute:
                self._minute = minute
                self._lookups.clear()
            self._lookups[path] += 1
            return self._lookups[path] <= LOOKUPS_A_MINUTE


def _that_wait(head: Head, account: str) -> set[str]:
    """The accounts that could have sent a webhook to the path of `account` and still owe a report on this email."""
    asked = {attempt.provider for attempt in head.attempts}
    return {each for each in ({account} if account in asked else asked) if _waits_for_report(head, each)}


def _waits_for_report(head: Head, provider: str) -> bool:
    return any(
        not head.recipients[key].evidence.get(attempt.original_number, frozenset()) & REPORTED
        for attempt in head.attempts
        if attempt.provider == provider
        for key in attempt.recipients
        if attempt.outcome_for(key) in (None, Kind.ACCEPTED, Kind.UNCERTAIN)
    )
