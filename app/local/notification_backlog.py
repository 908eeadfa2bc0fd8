"""Notifications that are in the memory of the worker: a queue for each receiver, so that none waits for another's."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.delivery.ports import Clock
from app.notify.gate import Receiver, receiver_of
from app.notify.notification import Notification

BATCH: Final = 50  # SQS hands over ten; here a call costs more than what it is about
RUNS_OF_ONE: Final = 2  # batches of one receiver that are posted at once
# Most of what comes for a receiver that fails is held back, and many at once cost little more than one.
GATHER_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notification, and what is to be called once it is known whether it is done with."""

    notification: Notification
    settle: Callable[[bool], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """Notifications of one receiver."""

    receiver: Receiver
    some: list[Waiting]


class NotificationBacklog:
    """Filled and emptied by several threads. The receivers have their turns one after another.

    What comes for a receiver is taken at once; for one that has just put something off, what comes within GATHER_S is
    taken together.
    """

    def __init__(self, monotonic: Clock = time.monotonic) -> None:
        self._monotonic = monotonic
        self._put_off: set[Receiver] = set()  # receivers, of whose batches under way something comes again later
        self._gathers_until_s: dict[Receiver, float] = {}
        self._changed = threading.Condition()
        self._waiting: dict[Receiver, deque[Waiting]] = {}  # whose turn it is next is first
        self._runs: dict[Receiver, int] = {}
        self._count = 0
        self._is_closed = False

    def put(self, one: Waiting) -> bool:
        """Add a notification. Returns False once the backlog is closed."""
        with self._changed:
            if self._is_closed:
                return False
            self._waiting.setdefault(receiver_of(one.notification), deque()).append(one)
            self._count += 1
            self._changed.notify()
            return True

    def count(self) -> int:
        """How many have not been taken."""
        with self._changed:
            return self._count

    def take(self) -> Batch | None:
        """Wait for notifications and take some of one receiver. Returns None once the backlog is closed."""
        with self._changed:
            while not self._is_closed:
                now_s = self._monotonic()
                for receiver, several in self._waiting.items():
                    is_gathered = len(several) >= BATCH or now_s >= self._gathers_until_s.get(receiver, now_s)
                    if is_gathered and self._runs.get(receiver, 0) < RUNS_OF_ONE:
                        self._changed.notify()  # another thread looks after what is gathered
                        return self._take(receiver)
                gathering = [until_s for one, until_s in self._gathers_until_s.items() if one in self._waiting]
                next_s = min((until_s for until_s in gathering if until_s > now_s), default=None)
                self._changed.wait(None if next_s is None else next_s - now_s)
            return None

    def put_off(self, receiver: Receiver) -> None:
        """Say that a notification of a receiver comes again later, because it was not taken or not posted."""
        with self._changed:
            if receiver in self._runs:
                self._put_off.add(receiver)

    def end(self, batch: Batch) -> None:
        """Say that a batch that was taken has been posted."""
        with self._changed:
            now_s = self._monotonic()
            self._gathers_until_s = {one: at_s for one, at_s in self._gathers_until_s.items() if at_s > now_s}
            if batch.receiver in self._put_off:
                self._put_off.remove(batch.receiver)
                self._gathers_until_s[batch.receiver] = now_s + GATHER_S
            self._runs[batch.receiver] -= 1
            if not self._runs[batch.receiver]:
                del self._runs[batch.receiver]
            self._changed.notify()

    def close(self) -> list[Waiting]:
        """Let nobody take any more. Returns those that nobody took."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            left = [one for several in self._waiting.values() for one in several]
            self._waiting.clear()
            return left

    def _take(self, receiver: Receiver) -> Batch:
        several = self._waiting.pop(receiver)
        some = [several.popleft() for _ in range(min(BATCH, len(several)))]
        if several:
            self._waiting[receiver] = several  # behind the others
        self._count -= len(some)
        self._runs[receiver] = self._runs.get(receiver, 0) + 1
        return Batch(receiver, some)
