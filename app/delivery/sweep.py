"""sweep: finds what is due and publishes it. It moves nothing else and never clears `due_at`."""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from app.delivery.ports import Clock, HeadStore, Publish
from app.delivery.rewrite import announce

log = logging.getLogger(__name__)

PER_SHARD = 100  # emails of one shard that one sweep looks at
SIDE_BY_SIDE = 8


@dataclass(frozen=True)
class Sweep:
    """Publishes the next attempt of every email that is due: scheduled, lost publish, ended lease, ended wait."""

    heads: HeadStore
    publish: Publish
    clock: Clock
    shards: Iterable[int]

    def __call__(self) -> int:
        """Sweep all shards once; returns how many emails were due. Two sweeps at once do no harm."""
        with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
            found = sum(pool.map(self._sweep, self.shards))
        if found:
            log.info("swept", extra={"due": found})
        return found

    def _sweep(self, shard: int) -> int:
        due = self.heads.due(shard, int(self.clock() * 1000), PER_SHARD)
        heads = self.heads.get_many(due) if due else []
        for head in heads:
            announce(self.publish, self.clock, head)
        return len(heads)
