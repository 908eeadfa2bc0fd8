"""sweep: finds what is due and publishes it. It moves nothing else and never clears `due_at`."""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from app.delivery.monitor import Monitor
from app.delivery.ports import Clock, HeadStore, Publish
from app.delivery.rewrite import announce

log = logging.getLogger(__name__)

CHUNK = 100  # heads read at once
SIDE_BY_SIDE = 8


@dataclass(frozen=True)
class Sweep:
    """Publishes the next attempt of every email that is due: scheduled, lost publish, ended lease, ended wait."""

    heads: HeadStore
    publish: Publish
    clock: Clock
    shards: Iterable[int]
    monitor: Monitor

    def __call__(self, within_s: float) -> int:
        """Sweep all shards, for `within_s` at most; returns how many emails were due. Two at once do no harm."""
        until_s = self.clock() + within_s
        with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
            found = sum(pool.map(lambda shard: self._sweep(shard, until_s), self.shards))
        if found:
            log.info("swept", extra={"due": found})
        self.monitor.tend()  # last: nobody's email waits for a look at the providers
        return found

    def _sweep(self, shard: int, until_s: float) -> int:
        found = 0
        due = self.heads.due(shard, int(self.clock() * 1000))
        while self.clock() < until_s and (chunk := list(islice(due, CHUNK))):
            for head in self.heads.get_many(chunk):
                announce(self.publish, self.clock, head)
            found += len(chunk)
        return found
