"""A clock that tests move by hand."""

import time


class Clock:
    """Starts at the real time and stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = float(int(time.time()))

    def __call__(self) -> float:
        return self.now_s

    @property
    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def advance(self, seconds: float) -> None:
        self.now_s += seconds
