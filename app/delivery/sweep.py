"""sweep: find the emails that are due and publish their next attempts, then look after the providers' health."""

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from app.delivery.ports import Clock, Cursor, CursorStore, HeadStore
from app.delivery.queue_ports import PublishMany
from app.delivery.rewrite import publish_those_ready
from app.domain.lane import Lane
from app.domain.shards import due_partition
from app.faults import log_fault

log = logging.getLogger(__name__)

CHUNK = 100  # emails read at once
SIDE_BY_SIDE = 8
# The part of a run's time after which each lane leaves the rest to those behind it: what is urgent is swept first, and
# a lane that never comes to an end, because its emails stay due, keeps nobody else from being swept.
LANE_ENDS: Final = {Lane.URGENT: 0.8, Lane.NORMAL: 0.9, Lane.BULK: 1.0}

Result = TypeVar("Result")


def _attempted(part: str, call: Callable[[], Result]) -> Result | None:
    """What a part of the sweep returns, or None if it fails: the other parts go on."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 because whatever it was, the other parts go on
        log_fault(log, "part of a sweep failed", error, part=part)
        return None


@dataclass(frozen=True)
class Sweep:
    """Publishes the next attempt of every email that is due, those of the urgent lane first.

    An email is due when its wait or its lease has ended, or when its message was lost. A run is bounded in time. The
    next one goes on where it stopped, so that no email is left behind others that stay due. `watchdog` judges the
    providers' reports. `wake` brings forward the emails that wait for a resumed provider; it gets what is left of the
    run's time, in seconds, and so does, behind it, each of the `others`: what is to be done now and then beside emails.
    """

    heads: HeadStore
    cursors: CursorStore
    publish_many: PublishMany
    clock: Clock
    shards: Iterable[int]
    watchdog: Callable[[], None]
    wake: Callable[[float], None]
    others: Mapping[str, Callable[[float], object]] = field(default_factory=dict)

    def __call__(self, within_s: float) -> int:
        """Sweep all shards, for `within_s` at most; returns how many emails were due. Two sweeps at once do no harm.

        What fails is logged, which raises an alarm, and stops nothing else. Raises what the first shard failed with if
        all of them fail.
        """
        began_s = self.clock()
        before = _attempted("cursors", self.cursors.get) or {}
        shards = list(self.shards)
        sweeps: dict[str, Future[tuple[int, Cursor | None]]] = {}
        for lane, end in LANE_ENDS.items():
            left_s = within_s * end - (self.clock() - began_s)
            sweeps |= self._sweep_all([due_partition(shard, lane) for shard in shards], before, left_s)
        swept = {partition: _attempted(f"shard {partition}", sweep.result) for partition, sweep in sweeps.items()}
        # A partition that failed is swept from its beginning next time.
        after = {partition: outcome[1] for partition, outcome in swept.items() if outcome and outcome[1]}
        if after != before:
            _attempted("cursors", partial(self.cursors.put, after))
        found = sum(outcome[0] for outcome in swept.values() if outcome)
        if found:
            log.info("swept", extra={"due": found, "unfinished_shards": len(after)})
        _attempted("watchdog", self.watchdog)  # after the emails: none of them waits for this
        for part, work in {"wake": self.wake, **self.others}.items():
            _attempted(part, partial(work, within_s - (self.clock() - began_s)))
        if not any(swept.values()):
            next(iter(sweeps.values())).result()  # raises what it failed with
        return found

    def _sweep_all(
        self, partitions: list[str], before: Mapping[str, Cursor], within_s: float
    ) -> dict[str, Future[tuple[int, Cursor | None]]]:
        """Sweep these partitions side by side, each from where the last run stopped."""
        share_s = within_s * min(1, SIDE_BY_SIDE / len(partitions))  # else the first would use up the time
        with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
            # Each in a copy of this context, so that its lines have the request id, too.
            return {
                one: pool.submit(copy_context().run, self._sweep, one, before.get(one), share_s) for one in partitions
            }

    def _sweep(self, partition: str, cursor: Cursor | None, within_s: float) -> tuple[int, Cursor | None]:
        """How many emails were due, and where the next run goes on. None: the partition was swept to its end."""
        until_s = self.clock() + within_s
        found = 0
        while self.clock() < until_s:
            due, cursor = self.heads.due(partition, int(self.clock() * 1000), CHUNK, cursor)
            if due:
                publish_those_ready(self.publish_many, self.clock, self.heads.get_many(due))
            found += len(due)
            if cursor is None:
                break
        return found, cursor
