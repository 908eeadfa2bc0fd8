"""Knows when each email is due, from what the processes of this machine note, so that nobody polls the store.

Every process of a laptop notes it whenever it writes a head; the worker keeps all notes.
"""

import heapq
import threading
from collections.abc import Callable

from app.domain.due import due_at_ms
from app.domain.head import Head
from app.local.alarm import Alarm
from app.store.collapses import Collapses
from app.store.heads import Heads

Note = Callable[[str, int, int | None], None]
"""Takes an email's id, the version of its head, and when it is due in ms (None: never)."""


class Dues:
    """When each email is due. A note of an older version of its head than the known one changes nothing."""

    def __init__(self, alarm: Alarm) -> None:
        """`alarm` is set to the time at which an email is due."""
        self._alarm = alarm
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, int]] = {}  # version and time, by email
        self._times: list[tuple[int, str]] = []  # a heap, which also holds times that no longer count

    def note(self, email_id: str, version: int, at_ms: int | None) -> None:
        """Remember when the email is due. An email that never is, is forgotten."""
        with self._lock:
            if version < self._known.get(email_id, (0, 0))[0]:
                return
            if at_ms is None:
                self._known.pop(email_id, None)
                return
            self._known[email_id] = version, at_ms
            heapq.heappush(self._times, (at_ms, email_id))
        self._alarm.set(at_ms)

    def take(self, now_ms: int) -> list[str]:
        """Take the emails that are due, and forget them until they are noted again."""
        found: dict[str, None] = {}
        with self._lock:
            while self._times and self._times[0][0] <= now_ms:
                at_ms, email_id = heapq.heappop(self._times)
                if self._counts(at_ms, email_id):
                    del self._known[email_id]
                    found[email_id] = None
        return list(found)

    def next_ms(self) -> int | None:
        """When the next email is due, in ms. None: none is."""
        with self._lock:
            while self._times and not self._counts(*self._times[0]):
                heapq.heappop(self._times)
            return self._times[0][0] if self._times else None

    def _counts(self, at_ms: int, email_id: str) -> bool:
        return self._known.get(email_id, (0, -1))[1] == at_ms


class NotingHeads(Heads):
    """Stores heads, and notes of each one that was written when it is due."""

    def __init__(self, note: Note) -> None:
        self._note = note

    def create(self, head: Head, now_ms: int) -> Head | None:
        """As `Heads.create`."""
        return _noted(self._note, super().create(head, now_ms), now_ms)

    def update(self, head: Head, now_ms: int) -> Head | None:
        """As `Heads.update`."""
        return _noted(self._note, super().update(head, now_ms), now_ms)


class NotingCollapses(Collapses):
    """Stores the newest email of each scope, and notes when it is due."""

    def __init__(self, note: Note) -> None:
        self._note = note

    def create(self, head: Head, now_ms: int) -> Head | None:
        """As `Collapses.create`."""
        return _noted(self._note, super().create(head, now_ms), now_ms)


def _noted(note: Note, written: Head | None, now_ms: int) -> Head | None:
    if written is not None:
        note(written.email_id, written.version, due_at_ms(written, now_ms))
    return written
