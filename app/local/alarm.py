"""Lets one thread sleep until the earliest of the times that others have set, by the wall clock."""

import threading
import time
from time import monotonic

from app.delivery.ports import Clock


class Alarm:
    """Set by any thread, waited for by one."""

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._at_ms: float = float("inf")

    def set(self, at_ms: float) -> None:
        """Let the sleeper wake at `at_ms`, unless it wakes earlier anyway."""
        with self._changed:
            if at_ms < self._at_ms:
                self._at_ms = at_ms
                self._changed.notify()

    def wait(self, at_most_s: float) -> None:
        """Sleep until the earliest time that was set since the last call ended, for `at_most_s` seconds at most."""
        until_s = monotonic() + at_most_s  # the wall clock may be set back meanwhile
        with self._changed:
            # A later time need not wake the sleeper.
            self._at_ms = min(self._at_ms, (self._clock() + at_most_s) * 1000)
            while (left_s := min(until_s - monotonic(), self._at_ms / 1000 - self._clock())) > 0:
                self._changed.wait(left_s)
            self._at_ms = float("inf")
