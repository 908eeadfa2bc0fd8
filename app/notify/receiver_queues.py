"""Work for receivers, a queue for each: however much there is for one, the others' is done beside it."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from threading import Lock
from typing import Final, Generic, TypeVar

from app.notify.gate import Receiver

THREADS: Final = 16

Result = TypeVar("Result")


class ReceiverQueues(Generic[Result]):
    """Does work in THREADS threads, at most so much for one receiver at once as `most_at_once` says of it.

    No thread waits for its turn, and a thread takes work of another receiver before more of the same.
    """

    def __init__(self, most_at_once: Callable[[Receiver], int]) -> None:
        self._most_at_once = most_at_once
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="deliveries")
        self._lock = Lock()
        self._waiting: dict[Receiver, deque[tuple[Future[Result], Callable[[], Result]]]] = {}
        self._under_way: dict[Receiver, int] = {}

    def submit(self, receiver: Receiver, work: Callable[[], Result]) -> Future[Result]:
        """Do this when it is the receiver's turn. The lines that it logs belong to the same request."""
        future: Future[Result] = Future()
        context = copy_context()
        with self._lock:
            self._waiting.setdefault(receiver, deque()).append((future, lambda: context.run(work)))
            self._begin(receiver)
        return future

    def close(self) -> None:
        """End the threads, when they have done what was begun."""
        self._pool.shutdown()

    def _begin(self, receiver: Receiver) -> None:
        """Give the pool as much of a receiver's work as may be under way. Holds the lock."""
        waiting = self._waiting.get(receiver)
        while waiting and self._under_way.get(receiver, 0) < self._most_at_once(receiver):
            self._under_way[receiver] = self._under_way.get(receiver, 0) + 1
            future, work = waiting.popleft()
            try:
                self._pool.submit(self._do, receiver, future, work)
            except RuntimeError as closed:
                future.set_exception(closed)
        if waiting is not None and not waiting:
            del self._waiting[receiver]

    def _do(self, receiver: Receiver, future: Future[Result], work: Callable[[], Result]) -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 because whoever waits for it must learn of it
            self._end(receiver)
            future.set_exception(error)
        else:
            self._end(receiver)
            future.set_result(result)

    def _end(self, receiver: Receiver) -> None:
        with self._lock:
            self._under_way[receiver] -= 1
            if not self._under_way[receiver]:
                del self._under_way[receiver]
            self._begin(receiver)
