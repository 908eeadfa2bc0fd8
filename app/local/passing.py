"""Finds up to which stream record all is done: it is in the feed, and its notifications are delivered or stored."""

import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Run:
    open: int = 0  # notifications that are in memory only
    until: int | None = None  # the last record that is done; None: the batch is under way


class Passing:
    """Counts, for each batch of stream records, the notifications that are in memory only. For several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[int, _Run] = {}  # in order
        self._number = 0
        self._until = 0

    def begin(self) -> None:
        """A batch of stream records begins. Notifications that are opened until its end belong to it."""
        with self._lock:
            self._number += 1
            self._runs[self._number] = _Run()

    def end(self, until: int) -> None:
        """The batch has ended: all records up to that number are in the feed."""
        with self._lock:
            self._runs[self._number].until = until
            self._pass()

    def opened(self) -> Callable[[], None]:
        """A notification is in memory. Returns what is to be called once it is done with."""
        with self._lock:
            number = self._number
            if number not in self._runs:  # nothing is being told: it belongs to nobody
                return _nothing
            self._runs[number].open += 1
        return lambda: self._close(number)

    def until(self) -> int:
        """The number of the record up to which all is done with. 0: none yet."""
        with self._lock:
            return self._until

    def _close(self, number: int) -> None:
        with self._lock:
            self._runs[number].open -= 1
            self._pass()

    def _pass(self) -> None:
        for number, run in list(self._runs.items()):
            if run.open or run.until is None:
                break
            self._until = max(self._until, run.until)
            del self._runs[number]


def _nothing() -> None:
    pass
