"""Crashes at a chosen point, and actions right before a chosen call."""

from collections.abc import Callable
from typing import Any, NoReturn


class Crash(BaseException):
    """Stands for the end of the process. No code of the product catches it."""


def crash(*_: Any, **__: Any) -> NoReturn:
    raise Crash


class Before:
    """Wraps a store, and calls `first` right before the next call of its method `name`, once."""

    def __init__(self, store: Any, name: str, first: Callable[[], object] | None = None) -> None:
        self._store = store
        self._name = name
        self._first = first

    def arm(self, first: Callable[[], object]) -> None:
        """Call `first` before the next call of the method."""
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
