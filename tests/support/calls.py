"""A real part whose calls are seen."""

from typing import Any


class Seen:
    """A store, and the names of its methods that were called, in order."""

    def __init__(self, store: Any) -> None:
        self.names: list[str] = []
        self._store = store

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self.names.append(name)
            return method(*arguments, **named)

        return call

    def times(self, *names: str) -> int:
        return sum(name in names for name in self.names)
