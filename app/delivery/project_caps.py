"""Keeps projects to what they may have accepted in a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.delivery.ports import PlaceStore
from app.domain.caps import DAY_MS
from app.domain.head import Head
from app.errors import CapReached, ServiceUnavailable

TRIES: Final = 5  # others may take places between a read and a write


@dataclass(frozen=True)
class ProjectCaps:
    """Takes a place of the day (UTC) for each email before it is stored. Whoever finds none is refused.

    A store that does not answer refuses: a cap is a promise, and the emails are stored by the same store.
    """

    store: PlaceStore
    caps: Mapping[str, int]  # by project

    def take(self, heads: Sequence[Head]) -> list[Exception | None]:
        """Take a place for each of these emails of one project, in their order. Returns for each None or why not."""
        project = heads[0].project
        cap = self.caps.get(project)
        if cap is None:
            return [None] * len(heads)
        now_ms = heads[0].created_at_ms
        count = self._take(project, now_ms // DAY_MS, len(heads), cap, now_ms / 1000)
        wait_s = max(1, -(-(DAY_MS - now_ms % DAY_MS) // 1000))
        why = (
            f"the project {project} may have {cap:,} emails accepted a day, and has; it may have more from midnight UTC"
        )
        return [None if number < count else CapReached(why, wait_s) for number in range(len(heads))]

    def give_back(self, heads: Sequence[Head]) -> None:
        """Give back the places of emails of one project that were surely not stored."""
        if heads[0].project in self.caps:
            self.store.give_back(_owner(heads[0].project), heads[0].created_at_ms // DAY_MS, len(heads))

    def _take(self, project: str, day: int, count: int, cap: int, now_s: float) -> int:
        """Take `count` places of that day, or as many as are left. Returns how many."""
        for _ in range(TRIES):
            if not count or self.store.take(_owner(project), day, count, cap, now_s):
                return count
            count = min(count, max(0, cap - self.store.taken(_owner(project), day)))
        raise ServiceUnavailable("too many emails of this project at once; try again")


def _owner(project: str) -> str:
    return f"project#{project}"  # the name of an account has no #
