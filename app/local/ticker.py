"""The worker's clock: it publishes emails as they become due, and sweeps each minute, as on AWS.

Between two sweeps it knows from `app.local.dues` when the next email is due, and asks the store for nothing.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import Final

from app.delivery.ports import Clock
from app.delivery.rewrite import publish_those_ready, rewrite
from app.domain.due import due_at_ms, ready
from app.domain.head import Head
from app.domain.lane import Lane
from app.domain.shards import due_partition
from app.faults import log_fault
from app.local.alarm import Alarm
from app.local.backlog import Backlog
from app.local.dues import Dues
from app.local.set_back import bring_forward, bring_health_forward
from app.wiring.parts import Container

SWEEP_EVERY_S: Final = 60.0
SWEEP_WITHIN_S: Final = 50.0
LOOK_EVERY_S: Final = 5.0  # after a provider that was resumed by whatever process, and whether a new minute has begun
LOOK_WITHIN_S: Final = 10.0
SET_BACK_S: Final = 2.0  # a clock that goes back by less is only being corrected
CHUNK: Final = 100  # emails read at once
AGAIN_AFTER_MS: Final = 10_000  # when an email that is due, but waits here for its turn, is looked at again
ANY_VERSION: Final = 0
FOR_EVER_MS: Final = 10**15

_log = logging.getLogger(__name__)


class Ticker:
    """Runs in one thread. What it does may fail, and is then done again by the next sweep."""

    def __init__(self, parts: Container, dues: Dues, backlog: Backlog, alarm: Alarm, clock: Clock = time.time) -> None:
        """`parts` must publish to `backlog`, and their stores must note in `dues`."""
        self._sweep, self._monitor = parts.sweep, parts.monitor
        self._dues, self._backlog, self._alarm, self._clock = dues, backlog, alarm, clock

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set."""
        swept_s = looked_s = monotonic()
        seen_s = self._clock()
        with ThreadPoolExecutor(1, thread_name_prefix="tick") as pool:

            def attend(work: Callable[[], object]) -> None:
                error = pool.submit(work).exception()
                if error is not None:
                    log_fault(_log, "The sweep failed", error)

            attend(partial(self._sweep, SWEEP_WITHIN_S))
            attend(partial(self._look_at_all, 0))
            while not stop.is_set():
                if (set_back_s := seen_s - self._clock()) > SET_BACK_S:
                    _log.warning("the clock was set back", extra={"seconds": round(set_back_s)})
                    attend(partial(self._look_at_all, int(set_back_s * 1000)))
                seen_s = self._clock()
                attend(self._publish_due)
                if monotonic() - looked_s >= LOOK_EVERY_S:
                    looked_s = monotonic()
                    attend(self._sweep.watchdog)
                    attend(partial(self._sweep.wake, LOOK_WITHIN_S))
                if monotonic() - swept_s >= SWEEP_EVERY_S:
                    swept_s = monotonic()
                    attend(partial(self._sweep, SWEEP_WITHIN_S))
                self._sleep()

    def _sleep(self) -> None:
        """Sleep until something is due, for a second at most."""
        next_ms = [
            at_ms for at_ms in (self._dues.next_ms(), self._backlog.release(self._now_ms())) if at_ms is not None
        ]
        for at_ms in next_ms:
            self._alarm.set(at_ms)
        self._alarm.wait(1.0)

    def _publish_due(self) -> None:
        """Publish the next attempt of each email that is due, unless it waits here or is being attempted."""
        ids = self._dues.take(self._now_ms())
        for email_id in ids:
            if self._backlog.holds(email_id):
                self._dues.note(email_id, ANY_VERSION, self._now_ms() + AGAIN_AFTER_MS)
        for chunk in _chunks([email_id for email_id in ids if not self._backlog.holds(email_id)]):
            for head in self._sweep.heads.get_many(chunk):
                self._take_up(head)

    def _look_at_all(self, set_back_ms: int) -> None:
        """Find all emails that will be due. Those that could be attempted now are published at once.

        What was published for them is lost if an earlier worker held it in memory. With `set_back_ms`, the clock was
        set back by that time, and what waits is brought forward.
        """
        if set_back_ms:
            self._backlog.release(FOR_EVER_MS)  # a message that comes too early is put off again
            for name in self._monitor.providers:
                self._monitor.update(name, lambda health: bring_health_forward(health, set_back_ms, self._now_ms()))
        for partition in [due_partition(shard, lane) for lane in Lane for shard in self._sweep.shards]:
            cursor = None
            while True:
                ids, cursor = self._sweep.heads.waiting(partition, self._now_ms(), CHUNK, cursor)
                for head in self._sweep.heads.get_many(ids) if ids else ():
                    self._take_up(self._brought_forward(head, set_back_ms) if set_back_ms else head)
                if cursor is None:
                    break

    def _take_up(self, head: Head) -> None:
        """Publish the next attempt of an email, or note when it is due. If nothing comes of it, the sweep finds it."""
        now_ms = self._now_ms()
        if ready(head, now_ms):
            publish_those_ready(self._sweep.publish_many, self._clock, [head])
        else:
            self._dues.note(head.email_id, head.version, due_at_ms(head, now_ms))

    def _brought_forward(self, head: Head, by_ms: int) -> Head:
        written = rewrite(
            self._sweep.heads,
            self._clock,
            head.email_id,
            lambda found, now_ms: bring_forward(found, by_ms, now_ms),
            known=head,
        )
        return written or head

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    return (ids[first : first + CHUNK] for first in range(0, len(ids), CHUNK))
