"""send waiting: publish the notifications whose next try is due, and that no queue has kept until now."""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Final

from app.domain.freshness import Clock
from app.notify.ports import PublishNotifications, WaitingNotifications

log = logging.getLogger(__name__)

CHUNK: Final = 100  # notifications that are read at once
SIDE_BY_SIDE: Final = 8


@dataclass(frozen=True)
class SendWaiting:
    """Publishes what is due, of all shards side by side. What was published is removed; twice is harmless."""

    waiting: WaitingNotifications
    publish: PublishNotifications
    clock: Clock
    shards: Iterable[int]

    def __call__(self, within_s: float) -> int:
        """Publish for `within_s` at most. Returns how many were published.

        A shard that fails is no reason to leave out the others: raises what the first of them failed with at the end.
        """
        shards = list(self.shards)
        share_s = within_s * min(1, SIDE_BY_SIDE / len(shards))  # else the first would use up the time
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            sent = [pool.submit(copy_context().run, self._send, shard, share_s) for shard in shards]
        published = sum(one.result() for one in sent)
        if published:
            log.info("waiting notifications sent", extra={"count": published})
        return published

    def _send(self, shard: int, within_s: float) -> int:
        until_s, published = self.clock() + within_s, 0
        while self.clock() < until_s:
            due = self.waiting.due(shard, int(self.clock() * 1000), CHUNK)
            refused = self.publish([one for _, one in due]) if due else ()
            for one, reason in refused:
                fields = {"event_id": one.event_id, "endpoint_id": one.endpoint_id, "reason": reason}
                log.warning("waiting notification not sent", extra=fields)
            kept = [one for one, _ in refused]
            sent = [key for key, one in due if one not in kept]
            self.waiting.remove(shard, sent)
            published += len(sent)
            if not sent or len(due) < CHUNK:  # what the queue refuses now is left to the next run
                break
        return published
