"""A wrapper that notes the calls of a real store."""

from typing import Any


class Seen:
    """Wraps a store. `names` are those of its methods that were called, in order."""

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
