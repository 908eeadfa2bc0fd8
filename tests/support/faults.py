"""Faults at chosen calls: every call that a use case makes to the outside is counted, and one of them fails."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.domain.head import Head
from app.errors import ServiceUnavailable
from app.store.heads import Heads
from tests.support.crash import Crash


class FaultMode(StrEnum):
    """How a call fails."""

    BEFORE = "the process dies before the call"
    AFTER = "the process dies after the call, before it sees the answer"
    REFUSED = "the call is refused"
    ANSWER_LOST = "the call is made, its answer is lost, and the store's client makes it again"


# If these calls are made again, they are refused, because the first write has changed the version.
CONDITIONAL = ("create", "update")


@dataclass
class FaultInjector:
    """Lets the `calls_left`-th call from now fail in the way `mode`. With 0, no call fails."""

    calls_left: int = 0
    mode: FaultMode = FaultMode.BEFORE

    def arm(self, point: tuple[int, FaultMode] | None) -> None:
        """Choose the call that fails, and how. With None, no call fails."""
        self.calls_left, self.mode = point or (0, FaultMode.BEFORE)

    def wrap(self, call: Callable[..., Any], name: str = "") -> Callable[..., Any]:
        """The same function, whose calls are counted and fail as chosen."""

        def counted(*arguments: Any, **named: Any) -> Any:
            mode = self.mode if self.calls_left == 1 else None
            self.calls_left = max(0, self.calls_left - 1)
            if mode is FaultMode.BEFORE:
                raise Crash
            if mode is FaultMode.REFUSED:
                raise ServiceUnavailable("throttled")
            result = call(*arguments, **named)
            if mode is FaultMode.AFTER:
                raise Crash
            return None if mode is FaultMode.ANSWER_LOST and name in CONDITIONAL else result

        return counted


class FaultyStore:
    """A store whose calls are counted by `faults` and fail as it says."""

    def __init__(self, store: Any, faults: FaultInjector) -> None:
        self._store = store
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return self._faults.wrap(getattr(self._store, name), name)


class RecordingHeads(Heads):
    """The store of heads. It adds the id of every email that is written to `written`."""

    def __init__(self, written: set[str]) -> None:
        self._written = written

    def create(self, head: Head, now_ms: int) -> Head | None:
        self._written.add(head.email_id)
        return super().create(head, now_ms)

    def update(self, head: Head, now_ms: int) -> Head | None:
        self._written.add(head.email_id)
        return super().update(head, now_ms)
