"""What one request changes in memory, and the ways back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from .journal import Change


@dataclass(slots=True)
class Notes:
    """The changes of one request, in order."""

    changes: list[Change] = field(default_factory=list)
    undo: list[Callable[[], object]] = field(default_factory=list)
    sync: bool = False  # whether a power failure must not lose them

    def take_back(self) -> None:
        """Undo all changes in memory."""
        for undo in reversed(self.undo):
            undo()


_current: ContextVar[Notes | None] = ContextVar("notes", default=None)


@contextmanager
def noted() -> Iterator[Notes]:
    """Gather what is changed within. After an exception, take it back."""
    notes = Notes()
    token = _current.set(notes)
    try:
        yield notes
    except BaseException:
        notes.take_back()
        raise
    finally:
        _current.reset(token)


def noting() -> Notes:
    """The notes of the request that runs. Raises RuntimeError outside of one: the change would not be kept."""
    notes = _current.get()
    if notes is None:
        raise RuntimeError("a change outside of a request would not be kept")
    return notes
