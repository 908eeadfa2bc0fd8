"""wake: after a `resume`, bring forward the emails that wait for the provider. It is part of the sweep."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from app.delivery.monitor import Monitor
from app.delivery.ports import Clock, HeadStore
from app.delivery.rewrite import rewrite
from app.domain.head import Head
from app.domain.health import Health
from app.domain.lane import Lane
from app.domain.shards import due_partition
from app.domain.wake import wake
from app.errors import Contention, ServiceUnavailable

log = logging.getLogger(__name__)

CHUNK = 100  # emails read at once


@dataclass(frozen=True)
class Wake:
    """Wakes the emails that wait for a provider that was resumed. A run that is cut short is done again by the next."""

    heads: HeadStore
    monitor: Monitor
    clock: Clock
    shards: Iterable[int]

    def __call__(self, within_s: float) -> None:
        """Wake, for `within_s` at most, for every provider whose health says that it was resumed."""
        until_s = self.clock() + within_s
        for name, health in self.monitor.healths().items():
            if health.resumed_at_ms is None:
                continue
            partitions = [due_partition(shard, lane) for lane in Lane for shard in self.shards]
            woken = [self._wake(partition, name, health.resumed_at_ms, until_s) for partition in partitions]
            log.info("woken", extra={"provider": name, "emails": sum(count for count, _ in woken)})
            if all(is_done for _, is_done in woken):
                self.monitor.update(name, partial(_done, resumed_at_ms=health.resumed_at_ms))

    def _wake(self, partition: str, provider: str, resumed_at_ms: int, until_s: float) -> tuple[int, bool]:
        """How many emails of the partition were woken, and whether that were all."""
        count, cursor, all_woken = 0, None, True
        while self.clock() < until_s:
            ids, cursor = self.heads.waiting(partition, int(self.clock() * 1000), CHUNK, cursor)
            for head in self.heads.get_many(ids) if ids else ():
                try:
                    count += self._wake_one(head, provider, resumed_at_ms)
                except (Contention, ServiceUnavailable) as error:
                    all_woken = False
                    reason = type(error).__name__
                    log.warning("not woken, the next sweep will", extra={"email_id": head.email_id, "reason": reason})
            if cursor is None:
                return count, all_woken
        return count, False

    def _wake_one(self, head: Head, provider: str, resumed_at_ms: int) -> bool:
        def change(head: Head, now_ms: int) -> Head:
            return wake(head, provider, resumed_at_ms, now_ms)

        if change(head, int(self.clock() * 1000)) is head:
            return False
        rewrite(self.heads, self.clock, head.email_id, change, known=head)
        return True


def _done(health: Health, resumed_at_ms: int) -> Health:
    return replace(health, resumed_at_ms=None) if health.resumed_at_ms == resumed_at_ms else health
