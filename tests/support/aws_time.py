"""The time of AWS, simulated: messages take their time, the sweep comes each minute, and workers wait side by side.

Only one thing happens at a moment, in the order of the clock. What waits lets the others go on, as it would in another
process.
"""

import heapq
from collections.abc import Callable
from itertools import count
from threading import Condition, Event, Thread

from tests.support.clock import Clock


class AwsTime:
    """Runs what is planned, each in a thread of its own, and moves the clock from one to the next."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._planned: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self._running = 0
        self._quiet = Condition()
        self.errors: list[BaseException] = []

    def plan(self, at_s: float, call: Callable[[], object]) -> None:
        """Let `call` happen at that time."""
        heapq.heappush(self._planned, (at_s, next(self._order), call))

    def wait(self, seconds: float) -> None:
        """Let this thread wait, as `time.sleep` does, while others go on."""
        if seconds <= 0:
            return
        woken = Event()
        self.plan(self._clock() + seconds, woken.set)
        self._change(-1)
        assert woken.wait(60)

    def run(self, until_s: float) -> None:
        """Let everything happen that is planned until then. The first error of a call is raised."""
        while self._planned and self._planned[0][0] <= until_s and not self.errors:
            at_s, _, call = heapq.heappop(self._planned)
            self._clock.now_s = max(self._clock.now_s, at_s)
            self._change(+1)
            if getattr(call, "__self__", None).__class__ is Event:
                call()
            else:
                Thread(target=self._make, args=(call,), daemon=True).start()
            with self._quiet:
                assert self._quiet.wait_for(lambda: self._running == 0, 60)
        if self.errors:
            raise self.errors[0]

    def _make(self, call: Callable[[], object]) -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 because the test that runs it raises it
            self.errors.append(error)
        finally:
            self._change(-1)

    def _change(self, by: int) -> None:
        with self._quiet:
            self._running += by
            self._quiet.notify_all()
