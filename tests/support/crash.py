"""Dying at a chosen point, and coming in between at one."""

from collections.abc import Callable
from typing import Any, NoReturn


class Crash(BaseException):
    """The process ends here. Nobody catches this."""


def crash(*_: Any, **__: Any) -> NoReturn:
    raise Crash


class Before:
    """A store; but right before its method `name` is called for the first time, `first` happens."""

    def __init__(self, store: Any, name: str, first: Callable[[], object] | None = None) -> None:
        self._store = store
        self._name = name
        self._first = first

    def arm(self, first: Callable[[], object]) -> None:
        """Let `first` happen before the next call."""
        self._first = first

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name != self._name:
            return method

        def call(*arguments: Any, **named: Any) -> Any:
            first, self._first = self._first, None
            if first:
                first()
            return method(*arguments, **named)

        return call
