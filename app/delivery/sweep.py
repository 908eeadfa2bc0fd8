"""sweep: find the emails that are due and publish their next attempts, then look after the providers' health."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from app.delivery.ports import Clock, Cursor, CursorStore, HeadStore, Publish
from app.delivery.rewrite import publish_if_ready

log = logging.getLogger(__name__)

CHUNK = 100  # emails read at once
SIDE_BY_SIDE = 8


@dataclass(frozen=True)
class Sweep:
    """Publishes the next attempt of every email that is due.

    An email is due when its wait or its lease has ended, or when its message was lost. A run is bounded in time. The
    next one goes on where it stopped, so that no email is left behind others that stay due. `watchdog` judges the
    providers' reports; `wake` brings forward the emails that wait for a resumed provider, within seconds.
    """

    heads: HeadStore
    cursors: CursorStore
    publish: Publish
    clock: Clock
    shards: Sequence[int]
    watchdog: Callable[[], None]
    wake: Callable[[float], None]

    def __call__(self, within_s: float) -> int:
        """Sweep all shards, for `within_s` at most; returns how many emails were due. Two sweeps at once do no harm."""
        began_s, before = self.clock(), self.cursors.get()
        share_s = within_s * min(1, SIDE_BY_SIDE / len(self.shards))  # else the first shards would use up the time
        with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
            swept = list(pool.map(lambda shard: self._sweep(shard, before.get(shard), share_s), self.shards))
        after = {shard: cursor for shard, (_, cursor) in zip(self.shards, swept, strict=True) if cursor}
        if after != before:
            self.cursors.put(after)
        found = sum(count for count, _ in swept)
        if found:
            log.info("swept", extra={"due": found, "unfinished_shards": len(after)})
        self.watchdog()  # after the emails: none of them waits for this
        self.wake(within_s - (self.clock() - began_s))
        return found

    def _sweep(self, shard: int, cursor: Cursor | None, within_s: float) -> tuple[int, Cursor | None]:
        """How many emails were due, and where the next run goes on. None: the shard was swept to its end."""
        until_s = self.clock() + within_s
        found = 0
        while self.clock() < until_s:
            due, cursor = self.heads.due(shard, int(self.clock() * 1000), CHUNK, cursor)
            for head in self.heads.get_many(due) if due else ():
                publish_if_ready(self.publish, self.clock, head)
            found += len(due)
            if cursor is None:
                break
        return found, cursor
