"""Posts the notifications that are stored, each when it is due. While none is, it asks the store for nothing.

What is due soon is in memory, too, so that nothing is read twice: a query of a laptop's store looks at all that waits.
Nobody waits for a receiver here: what is handed over is in hand until it is settled, and the others are looked after.
"""

import heapq
import itertools
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic
from typing import Final

from app.delivery.ports import Clock
from app.faults import log_fault
from app.local.alarm import Alarm
from app.local.notifications import Stored
from app.local.ticker import SET_BACK_S
from app.notify.notification import Notification
from app.store.waiting_notifications import WaitingNotifications

LOOK_EVERY_S: Final = 60.0  # after what is due soon, and what another process has stored without saying so
AHEAD_MS: Final = 120_000  # what is due within this time is in memory
MOST_IN_MEMORY: Final = 20_000  # more of it is read once half of that has been posted
CHUNK: Final = 1000  # notifications of a shard that are read at once
AGAIN_AFTER_S: Final = 1.0
TOGETHER_MS: Final = 1000  # what is due within the same second is posted at its end: many go into one batch
WRITTEN_WITHIN_MS: Final = 60_000  # one that is due at once may be in the store only so much later
MOST_BROUGHT_FORWARD: Final = 10_000  # of a shard
LATEST_MS: Final = 10**13 - 2  # of times with thirteen digits, as the keys have them

# Lets a notification be posted, and tells the other whether it need not be stored any more. False: the worker ends.
Post = Callable[[Notification, Callable[[bool], None]], bool]

_log = logging.getLogger(__name__)


class WaitingSender:
    """Runs in a thread of its own. Another process stores only what is due at once."""

    def __init__(
        self,
        waiting: WaitingNotifications[Notification],
        post: Post,
        shards: Iterable[int],
        clock: Clock = time.time,
    ) -> None:
        """`post` returns at once."""
        self._waiting, self._post, self._shards, self._clock = waiting, post, list(shards), clock
        self._alarm, self._lock = Alarm(clock), threading.Lock()
        self._scheduled: list[tuple[float, int, Stored]] = []  # a heap: when each is posted
        self._numbers = itertools.count()
        self._known: set[tuple[int, str]] = set()  # shard and key of what is scheduled, in hand, or to be removed
        self._done: list[Stored] = []  # to be removed
        self._kept_until_ms = 0  # what is stored from now on, and due by then, comes into memory when it is stored
        self._read_until_ms = 0  # what was stored before, and is due by then, is in memory
        self._looked_ms = 0
        self._look_at_s = float("-inf")  # of the monotonic clock
        self._unread_ms: tuple[int, int] | None = None  # the first and the last time when what must be read is due

    def keep(self, stored: Stored) -> None:
        """This process has stored a notification."""
        with self._lock:
            if stored.due_ms <= self._kept_until_ms:  # what is due later is read in time
                self._schedule(stored)

    def note(self, at_ms: float) -> None:
        """Another process has stored a notification that is due at this time, in epoch ms."""
        with self._lock:
            self._let_read(int(at_ms), int(at_ms))
        self._alarm.set(0)

    def run(self, stop: threading.Event) -> None:
        """Send what is due until `stop` is set. What fails is logged, and is due again."""
        seen_s = self._clock()
        while not stop.is_set():
            now_s = self._clock()
            set_back_s, seen_s = seen_s - now_s, now_s
            self.remove_done()
            try:
                if set_back_s > SET_BACK_S:
                    self._bring_forward(int(set_back_s * 1000))
                self._find(int(now_s * 1000))
            except Exception as error:  # noqa: BLE001 because the thread would end
                log_fault(_log, "waiting notifications are not read", error, logging.INFO)
            self._post_due()
            self._alarm.wait(1.0)

    def _find(self, now_ms: int) -> None:
        """Read what is not in memory, and should be."""
        unread_ms = None
        with self._lock:
            if len(self._known) <= MOST_IN_MEMORY // 2:
                unread_ms, self._unread_ms = self._unread_ms, None
        try:
            if unread_ms:
                self._read(*unread_ms)
            if monotonic() >= self._look_at_s or now_ms >= self._read_until_ms:
                self._look(now_ms)
        except BaseException:
            if unread_ms:
                with self._lock:
                    self._let_read(*unread_ms)
            raise

    def _look(self, now_ms: int) -> None:
        with self._lock:  # before the store is read, or what is stored meanwhile would be found by nobody
            until_ms = self._kept_until_ms = max(self._kept_until_ms, now_ms + AHEAD_MS)
        if self._looked_ms:
            self._read(self._looked_ms - WRITTEN_WITHIN_MS, now_ms)
        self._read(self._read_until_ms, until_ms)
        self._looked_ms, self._read_until_ms, self._look_at_s = now_ms, until_ms, monotonic() + LOOK_EVERY_S

    def _read(self, from_ms: int, until_ms: int) -> None:
        """Schedule what is stored and due between these times, if it is not in memory."""
        for shard in self._shards:
            begin, is_more = f"{from_ms:013d}", True
            while is_more:
                found = self._waiting.due(shard, until_ms, CHUNK, begin)
                with self._lock:
                    is_room = all(self._schedule(Stored(shard, key, _due_ms(key), one)) for key, one in found)
                    is_more = is_room and len(found) == CHUNK
                    if not is_room:
                        self._let_read(until_ms, until_ms)
                begin = found[-1][0] if is_more else begin

    def _let_read(self, from_ms: int, until_ms: int) -> None:
        """Let what is due between these times be read, once there is room. Holds the lock."""
        first_ms, last_ms = self._unread_ms or (from_ms, until_ms)
        self._unread_ms = min(first_ms, from_ms), max(last_ms, until_ms)

    def _schedule(self, stored: Stored) -> bool:
        """Let a notification be posted when it is due. Returns False if there is no room for it. Holds the lock.

        One that is due already is posted at once: somebody may watch.
        """
        if (stored.shard, stored.key) not in self._known:
            if len(self._known) >= MOST_IN_MEMORY:
                self._let_read(stored.due_ms, stored.due_ms)
                return False
            self._known.add((stored.shard, stored.key))
            at_ms = -(-stored.due_ms // TOGETHER_MS) * TOGETHER_MS if stored.due_ms > self._clock() * 1000 else 0
            heapq.heappush(self._scheduled, (at_ms, next(self._numbers), stored))
            self._alarm.set(at_ms)
        return True

    def _post_due(self) -> None:
        """Hand over what is due. It stays stored until it is settled."""
        now_ms = self._clock() * 1000
        with self._lock:
            due = []
            while self._scheduled and self._scheduled[0][0] <= now_ms:
                due.append(heapq.heappop(self._scheduled)[2])
            if self._scheduled:
                self._alarm.set(self._scheduled[0][0])
        for one in due:
            if not self._post(one.notification, partial(self._settle, one)):
                return  # the worker ends

    def _settle(self, one: Stored, is_done: bool) -> None:
        """What was handed over is done with, or is posted again a little later."""
        again_ms = (self._clock() + AGAIN_AFTER_S) * 1000
        with self._lock:
            if is_done:
                self._done.append(one)
            else:
                heapq.heappush(self._scheduled, (again_ms, next(self._numbers), one))
        self._alarm.set(0 if is_done else again_ms)

    def remove_done(self) -> None:
        """Remove what is done with. What cannot be removed now is removed later, and is not posted again until then."""
        with self._lock:
            done, self._done = self._done, []
        by_shard: dict[int, list[Stored]] = defaultdict(list)
        for one in done:
            by_shard[one.shard].append(one)
        for shard, several in by_shard.items():
            try:
                self._waiting.remove(shard, [one.key for one in several])
            except Exception as error:  # noqa: BLE001 because whatever it was, they are removed later
                log_fault(_log, "notifications that were posted are not removed", error, logging.INFO)
                with self._lock:
                    self._done += several
            else:
                with self._lock:
                    self._known -= {(shard, one.key) for one in several}

    def _bring_forward(self, by_ms: int) -> None:
        """What was stored by the clock as it was before would wait so much longer (`app.local.set_back`)."""
        with self._lock:
            self._known -= {(one.shard, one.key) for _, _, one in self._scheduled}
            self._scheduled.clear()
            self._kept_until_ms = self._read_until_ms = self._looked_ms = 0
            self._unread_ms = None
            in_hand = set(self._known)
        for shard in self._shards:
            for key, one in self._waiting.due(shard, LATEST_MS, MOST_BROUGHT_FORWARD + len(in_hand)):
                if (shard, key) not in in_hand and _due_ms(key) > self._clock() * 1000 + by_ms // 2:
                    self._waiting.put_all([(one, _due_ms(key) - by_ms)])
                    self._waiting.remove(shard, [key])


def _due_ms(key: str) -> int:
    return int(key.partition("#")[0])
