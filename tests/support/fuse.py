"""Crash points: every call that a verb makes to the outside is one, numbered in the order in which they are reached."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.domain.head import Head
from app.errors import Unavailable
from app.store.heads import Heads
from tests.support.crash import Crash


class How(StrEnum):
    """What happens at a crash point."""

    BEFORE = "the process dies before the call"
    AFTER = "the process dies after the call, before it knows"
    REFUSED = "the call is refused"
    UNHEARD = "the call is made, its answer is lost, and the store's client makes it again"


CONDITIONAL = ("create", "update")  # made again, these are refused: somebody, who was we, has written since


@dataclass
class Fuse:
    """Burns at the `left`-th call from now on; never if it is not lit."""

    left: int = 0
    how: How = How.BEFORE

    def light(self, point: tuple[int, How] | None) -> None:
        self.left, self.how = point or (0, How.BEFORE)

    def guard(self, call: Callable[..., Any], name: str = "") -> Callable[..., Any]:
        """The same call, and a crash point."""

        def guarded(*arguments: Any, **named: Any) -> Any:
            how = self.how if self.left == 1 else None
            self.left = max(0, self.left - 1)
            if how is How.BEFORE:
                raise Crash
            if how is How.REFUSED:
                raise Unavailable("throttled")
            result = call(*arguments, **named)
            if how is How.AFTER:
                raise Crash
            return None if how is How.UNHEARD and name in CONDITIONAL else result

        return guarded


class Guarded:
    """A store of which every call is a crash point."""

    def __init__(self, store: Any, fuse: Fuse) -> None:
        self._store = store
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return self._fuse.guard(getattr(self._store, name), name)


class Noting(Heads):
    """The store, and a note of what is written."""

    def __init__(self, written: set[str]) -> None:
        self._written = written

    def create(self, head: Head, now_ms: int) -> Head | None:
        self._written.add(head.email_id)
        return super().create(head, now_ms)

    def update(self, head: Head, now_ms: int) -> Head | None:
        self._written.add(head.email_id)
        return super().update(head, now_ms)
