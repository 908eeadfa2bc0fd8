"""Which receivers are called now: one that does not answer must not use up the time in which the others are called.

What is known here is of one process, and is lost with it. An endpoint that fails for longer says so to all processes
(`app.domain.endpoint.calls`).
"""

from dataclasses import dataclass
from threading import Lock
from typing import Final
from urllib.parse import urlsplit

from app.domain.freshness import Clock
from app.notify.notification import DEFAULT_ENDPOINT, Notification

MOST_AT_ONCE: Final = 4  # calls to one receiver
CLOSED_AFTER: Final = 5  # failures in a row
CLOSED_FOR_S: Final = 30.0
MOST_KNOWN: Final = 10_000  # receivers that fail

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


@dataclass(slots=True)
class _Failing:
    """A receiver that has failed since it last took something. `until_s` is when it may be called again, if closed."""

    failures: int = 0
    until_s: float | None = None
    is_probed: bool = False


class Gate:
    """Closes a receiver for CLOSED_FOR_S after failures in a row, and then lets a single call through, its probe.

    A probe that fails closes it again. May be shared between threads.
    """

    def __init__(self, monotonic: Clock) -> None:
        self._monotonic, self._lock = monotonic, Lock()
        self._failing: dict[Receiver, _Failing] = {}

    def most_at_once(self, receiver: Receiver) -> int:
        """How many notifications of a receiver may be worked on now: while it is probed, one, and the others wait."""
        with self._lock:
            known = self._failing.get(receiver)
            is_probe = known is not None and known.until_s is not None and self._monotonic() >= known.until_s
            return 1 if is_probe else MOST_AT_ONCE

    def admit(self, receiver: Receiver) -> bool:
        """Whether the receiver may be called now. Each call that is made must be told by `taken` or `failed`."""
        with self._lock:
            known = self._failing.get(receiver)
            if known is None or known.until_s is None:
                return True
            if known.is_probed or self._monotonic() < known.until_s:
                return False
            known.is_probed = True
            return True

    def is_closed(self, receiver: Receiver) -> bool:
        """Whether nothing is admitted now, not even a probe."""
        with self._lock:
            known = self._failing.get(receiver)
            return known is not None and known.until_s is not None and self._monotonic() < known.until_s

    def taken(self, receiver: Receiver) -> None:
        """Note that the receiver has taken a notification: it may be called freely again."""
        with self._lock:
            self._failing.pop(receiver, None)

    def failed(self, receiver: Receiver) -> None:
        """Note that the receiver has not taken a notification. After CLOSED_AFTER in a row it is closed."""
        with self._lock:
            if receiver not in self._failing and len(self._failing) >= MOST_KNOWN:
                self._failing.clear()
            known = self._failing.setdefault(receiver, _Failing())
            known.failures += 1
            if known.is_probed or known.failures >= CLOSED_AFTER:
                known.until_s = self._monotonic() + CLOSED_FOR_S
                known.is_probed = False
