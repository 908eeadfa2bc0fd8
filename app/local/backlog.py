"""The messages that the worker of this machine has taken and not handled yet, in memory: by lane, in order within one.

Nothing is lost with them: the email of each is due, so that it is found again when the worker starts.
"""

import heapq
import itertools
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from app.domain.lane import Lane
from app.local.alarm import Alarm
from app.local.invocation import LambdaEvent

# Of so many tasks that are taken and not urgent, one is of bulk before normal: a stream of normal emails does not keep
# it waiting.
BULK_EVERY: Final = 10
_USUAL: Final = (Lane.URGENT, Lane.NORMAL, Lane.BULK)
_NOW_AND_THEN: Final = (Lane.URGENT, Lane.BULK, Lane.NORMAL)


class Task(Protocol):
    """One message that the handler is called for."""

    @property
    def email_id(self) -> str:
        """The email that the message is about; empty if nobody has looked."""

    @property
    def key(self) -> tuple[str, int] | None:
        """What the message asks for. Of two messages with the same key that wait, one is enough. None: keep it."""

    @property
    def lane(self) -> Lane:
        """The lane of the email."""

    def event(self) -> LambdaEvent:
        """The event that the handler is called with."""

    def settle(self, *, is_done: bool) -> None:
        """See to it that a message that is not done comes again, a few times at most."""


class Backlog:
    """Tasks to be taken by several threads, each by one of them."""

    def __init__(self, alarm: Alarm) -> None:
        """`alarm` is set to the time of each task that comes later."""
        self._alarm = alarm
        lock = threading.Lock()
        self._changed, self._urgent_came = threading.Condition(lock), threading.Condition(lock)
        self._first: deque[Task] = deque()
        self._waiting: dict[Lane, deque[Task]] = {lane: deque() for lane in Lane}
        self._taken = 0
        self._keys: set[tuple[str, int]] = set()
        self._emails: Counter[str] = Counter()  # that wait or are handled now
        self._later: list[tuple[int, int, Task]] = []  # a heap
        self._numbers = itertools.count()
        self._is_closed = False

    def put(self, task: Task) -> None:
        """Add a task behind all others of its lane, unless one with the same key waits."""
        with self._changed:
            self._put(task)

    def put_first(self, tasks: Sequence[Task]) -> None:
        """Add tasks before all that wait, but for those that are urgent."""
        with self._changed:
            self._first.extend(tasks)
            self._changed.notify_all()

    def put_later(self, task: Task, at_ms: int) -> None:
        """Add a task once `release` is called at the time `at_ms` or later."""
        with self._changed:
            heapq.heappush(self._later, (at_ms, next(self._numbers), task))
        self._alarm.set(at_ms)

    def release(self, now_ms: int) -> int | None:
        """Add the tasks whose time has come. Returns the time of the next one in ms, or None."""
        with self._changed:
            while self._later and self._later[0][0] <= now_ms:
                self._put(heapq.heappop(self._later)[2])
            return self._later[0][0] if self._later else None

    def take(self) -> Task | None:
        """Wait for a task and take it. Returns None once the backlog is closed."""
        return self._take(self._changed, self._next)

    def take_urgent(self) -> Task | None:
        """As `take`, but one of the urgent lane only: its threads are free however slow the others' providers are."""
        return self._take(self._urgent_came, self._next_urgent)

    def _take(self, changed: threading.Condition, find: Callable[[], Task | None]) -> Task | None:
        with changed:
            while not self._is_closed:
                if (task := find()) is not None:
                    return task
                changed.wait()
            return None

    def _next_urgent(self) -> Task | None:
        return self._next_of(Lane.URGENT) if self._waiting[Lane.URGENT] else None

    def _next(self) -> Task | None:
        if self._first and not self._waiting[Lane.URGENT]:
            task = self._first.popleft()
            self._emails[task.email_id] += 1
            self._changed.notify_all()  # whoever waits until these have begun
            return task
        order = _USUAL if (self._taken + 1) % BULK_EVERY else _NOW_AND_THEN
        lane = next((lane for lane in order if self._waiting[lane]), None)
        return None if lane is None else self._next_of(lane)

    def _next_of(self, lane: Lane) -> Task:
        task = self._waiting[lane].popleft()
        self._taken += lane is not Lane.URGENT  # or an urgent one could take the turn of bulk each time
        self._forget_key(task)
        return task

    def end(self, task: Task) -> None:
        """Say that a task that was taken has been handled."""
        with self._changed:
            self._emails[task.email_id] -= 1
            if not self._emails[task.email_id]:
                del self._emails[task.email_id]

    def holds(self, email_id: str) -> bool:
        """Whether a message about this email waits, or is handled now. One that comes later does not count."""
        with self._changed:
            return email_id in self._emails

    def under_way(self) -> int:
        """About how many emails messages wait, or are handled now."""
        with self._changed:
            return len(self._emails)

    def wait_until_begun(self) -> bool:
        """Wait until all tasks of `put_first` were taken. Returns False if the backlog was closed before."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or not self._first)
            return not self._is_closed

    def close(self) -> list[Task]:
        """Let nobody take a task any more. Returns those that nobody took."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            self._urgent_came.notify_all()
            waiting = itertools.chain.from_iterable(self._waiting.values())
            return [*self._first, *waiting, *(task for _, _, task in self._later)]

    def _put(self, task: Task) -> None:
        if task.key is not None:
            if task.key in self._keys:
                return
            self._keys.add(task.key)
        self._emails[task.email_id] += 1
        self._waiting[task.lane].append(task)
        self._changed.notify()
        if task.lane is Lane.URGENT:
            self._urgent_came.notify()

    def _forget_key(self, task: Task) -> None:
        if task.key is not None:
            self._keys.discard(task.key)
