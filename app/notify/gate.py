"""Which receivers are called now: one that does not answer, or late, must not use up the time of the others.

What is known here is of one process, and is lost with it. An endpoint that fails for longer says so to all processes
(`app.domain.endpoint.calls`).
"""

from dataclasses import dataclass
from enum import StrEnum
from random import SystemRandom
from threading import Lock
from typing import Final
from urllib.parse import urlsplit

from app.domain.freshness import Clock
from app.notify.notification import DEFAULT_ENDPOINT, Notification
from app.notify.ports import CALL_S

MOST_AT_ONCE: Final = 4  # calls to one receiver
CLOSED_AFTER: Final = 5  # failures in a row
CLOSED_FOR_S: Final = 30.0
MOST_KNOWN: Final = 10_000  # receivers that fail, and as many that are slow

# Calls that take longer count against a receiver. Ten processes that make four calls at once, each of this length, take
# twenty webhooks a second to it.
SLOW_S: Final = 2.0
# As long as it has held a process, so that it holds it for a third of the time at most; and up to half as long again by
# chance: all processes meet a burst at once, and else it would hold all of them at once again.
LEFT_ALONE_TIMES: Final = 2.0
# The same of all together that were slow when they were called last: else three of them would hold it all the time.
ALL_LEFT_ALONE_TIMES: Final = 0.5
# What it may owe of that before it is left alone: six seconds of calls after a long while without. So a receiver that
# wakes up, or is slow once, is not left alone.
MAY_OWE_S: Final = 12.0
LATEST_TURN_S: Final = 900.0  # the queue keeps nothing for longer, and it may have become quick meanwhile

# The operating system's: environments of Lambda that start from one snapshot have all else in common.
_CHANCE: Final = SystemRandom()

Receiver = tuple[str, str, str]


def receiver_of(notification: Notification) -> Receiver:
    """Who gets a notification: an endpoint of a project, or where a project's emails name a URL, that URL's origin."""
    origin = _origin(notification.url) if notification.endpoint_id == DEFAULT_ENDPOINT else ""
    return notification.project, notification.endpoint_id, origin


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return f"{parts.scheme}://{parts.netloc}"


class GateState(StrEnum):
    """Whether a receiver is called now."""

    OPEN = "open"
    FAILING = "failing"  # it is not: it takes nothing
    SLOW = "slow"  # it is not: it has had its share of the time


@dataclass(slots=True)
class _Failing:
    """A receiver that has failed since it last took something. `until_s` is when it may be called again, if closed."""

    failures: int = 0
    until_s: float | None = None
    is_probed: bool = False


@dataclass(slots=True)
class _Slow:
    """A receiver that has answered late. It is left alone while more than MAY_OWE_S is left until `free_s`.

    `alone_times` is for how long, as a multiple of its calls. They are counted until `counted_s`; the last one took
    `took_s` (0: it was quick). Of those that are held back, the last come at `turn_s`, as many as `coming` says.
    """

    alone_times: float
    counted_s: float
    free_s: float
    took_s: float = 0.0
    turn_s: float = 0.0
    coming: int = 0

    @property
    def opens_s(self) -> float:
        return self.free_s - MAY_OWE_S

    def count(self, began_s: float, now_s: float) -> None:
        """Count a slow call that ends now. The time of calls that were made beside each other counts once."""
        began_s = max(began_s, now_s - CALL_S)  # the clock may have been set forward
        held_s = now_s - max(began_s, self.counted_s)
        alone_s = self.alone_times * (1 + _CHANCE.random() / 2) * held_s
        self.free_s = max(self.free_s, now_s - held_s) + held_s + alone_s
        self.counted_s, self.took_s = now_s, now_s - began_s

    def next_turn_s(self, opens_s: float, now_s: float) -> float:
        """When the next one that is held back comes, if the receiver may be called from `opens_s` on."""
        apart_s = (1 + self.alone_times) * self.took_s
        if self.turn_s < opens_s:
            self.turn_s, self.coming = opens_s + _CHANCE.random() * apart_s, 0
        elif self.coming >= MOST_AT_ONCE:
            self.turn_s, self.coming = self.turn_s + apart_s, 0
        self.turn_s = min(self.turn_s, now_s + LATEST_TURN_S)
        self.coming += 1
        return self.turn_s


class Gate:
    """Closes a receiver for CLOSED_FOR_S after failures in a row, and then lets a single call through, its probe.

    A probe that fails closes it again. A receiver that answers late gets a third of the time: it is called a few times
    at once, and left alone for twice as long. Once it is quick, it is left alone no more.

    May be shared between threads.
    """

    def __init__(self, passed: Clock) -> None:
        """`passed` counts seconds, also those in which the process was frozen (`app.domain.freshness.Elapsed`)."""
        self._passed, self._lock = passed, Lock()
        self._failing: dict[Receiver, _Failing] = {}
        self._slow: dict[Receiver, _Slow] = {}
        self._all_slow = _Slow(ALL_LEFT_ALONE_TIMES, 0.0, 0.0)

    def most_at_once(self, receiver: Receiver) -> int:
        """How many notifications of a receiver may be worked on now: while it is probed, one, and the others wait."""
        with self._lock:
            known = self._failing.get(receiver)
            is_probe = known is not None and known.until_s is not None and self._passed() >= known.until_s
            return 1 if is_probe else MOST_AT_ONCE

    def admit(self, receiver: Receiver) -> GateState:
        """Whether the receiver may be called now. Each call that is made must be told by `taken` or `failed`."""
        with self._lock:
            known = self._failing.get(receiver)
            if known is not None and known.until_s is not None and known.is_probed:
                return GateState.FAILING
            found = self._state(receiver)
            if found is GateState.OPEN and known is not None and known.until_s is not None:
                known.is_probed = True
            return found

    def look(self, receiver: Receiver) -> GateState:
        """Whether it may be called now, if only by a probe. Nothing is noted."""
        with self._lock:
            return self._state(receiver)

    def turn_in_s(self, receiver: Receiver) -> float:
        """In how many seconds a notification comes again that is held back because its receiver is slow.

        Those that are held back come a few at a time, so that nearly each of them finds the receiver open.
        """
        with self._lock:
            now_s, slow = self._passed(), self._slow.get(receiver)
            return max(0.0, slow.next_turn_s(self._opens_s(slow), now_s) - now_s) if slow else 0.0

    def taken(self, receiver: Receiver, began_s: float) -> None:
        """Note that the receiver has taken a notification, by a call that began then on the gate's clock."""
        with self._lock:
            self._failing.pop(receiver, None)
            self._count(receiver, began_s)

    def abandoned(self, receiver: Receiver) -> None:
        """A call has failed on our side, which says nothing of the receiver. If it was a probe, the next one is."""
        with self._lock:
            if known := self._failing.get(receiver):
                known.is_probed = False

    def failed(self, receiver: Receiver, began_s: float) -> None:
        """Note that the receiver has not taken one. After CLOSED_AFTER in a row it is closed."""
        with self._lock:
            if receiver not in self._failing and len(self._failing) >= MOST_KNOWN:
                self._failing.clear()
            known = self._failing.setdefault(receiver, _Failing())
            known.failures += 1
            if known.is_probed or known.failures >= CLOSED_AFTER:
                known.until_s = self._passed() + CLOSED_FOR_S
                known.is_probed = False
            self._count(receiver, began_s)

    def _state(self, receiver: Receiver) -> GateState:
        now_s, failing, slow = self._passed(), self._failing.get(receiver), self._slow.get(receiver)
        if failing is not None and failing.until_s is not None and now_s < failing.until_s:
            return GateState.FAILING
        return GateState.SLOW if slow is not None and now_s < self._opens_s(slow) else GateState.OPEN

    def _opens_s(self, slow: _Slow) -> float:
        return max(slow.opens_s, self._all_slow.opens_s) if slow.took_s else slow.opens_s

    def _count(self, receiver: Receiver, began_s: float) -> None:
        now_s = self._passed()
        if now_s - began_s <= SLOW_S:
            if slow := self._slow.get(receiver):
                slow.took_s = 0.0
            return
        self._all_slow.count(began_s, now_s)
        if receiver not in self._slow and len(self._slow) >= MOST_KNOWN:
            self._slow.clear()
        self._slow.setdefault(receiver, _Slow(LEFT_ALONE_TIMES, began_s, began_s)).count(began_s, now_s)
