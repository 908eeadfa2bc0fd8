"""Counts the calls that a listing makes of DynamoDB, and how many of them wait for each other."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from itertools import count
from typing import Any, TypeVar

from app.delivery.read import Read
from app.store.head_items import HeadItem

Result = TypeVar("Result")
_CALLER: ContextVar[tuple[int, int] | None] = ContextVar("caller", default=None)


class RoundTrips(ThreadPoolExecutor):
    """The pool of a listing, which knows what was asked for side by side. It counts at botocore's own events."""

    def __init__(self) -> None:
        super().__init__(10)
        self.calls: Counter[str] = Counter()
        self.read: Counter[str] = Counter()  # items that were asked for by key, and entries that came back
        self._waves = count()
        self._callers: list[tuple[int, int] | None] = []

    def map(self, fn: Callable[..., Result], *iterables: Iterable[Any], **options: Any) -> Iterator[Result]:
        wave = next(self._waves)

        def call(number: int, *arguments: Any) -> Result:
            token = _CALLER.set((wave, number))
            try:
                return fn(*arguments)
            finally:
                _CALLER.reset(token)

        return super().map(call, count(), *iterables, **options)

    @property
    def one_after_another(self) -> int:
        """How many calls waited for another one before them: what was asked for at once counts as one."""
        alone = sum(caller is None for caller in self._callers)
        waves: defaultdict[int, Counter[int]] = defaultdict(Counter)
        for caller in self._callers:
            if caller is not None:
                waves[caller[0]][caller[1]] += 1
        return alone + sum(max(numbers.values()) for numbers in waves.values())

    def note_call(self, model: Any, **_: Any) -> None:
        """botocore's `before-call`."""
        self.calls[model.name] += 1
        self._callers.append(_CALLER.get())

    def note_answer(self, parsed: Any, model: Any, **_: Any) -> None:
        """botocore's `after-call`."""
        found = parsed.get("Items") or [item for items in parsed.get("Responses", {}).values() for item in items]
        self.read[model.name] += len(found)


@contextmanager
def counted(read: Read) -> Iterator[tuple[Read, RoundTrips]]:
    """The same `read`, and what it asks DynamoDB for."""
    events: Any = HeadItem._get_connection().connection.client.meta.events
    with RoundTrips() as trips:
        hooks = (("before-call.dynamodb", trips.note_call), ("after-call.dynamodb", trips.note_answer))
        for name, hook in hooks:
            events.register(name, hook)
        try:
            yield replace(read, pool=trips), trips
        finally:
            for name, hook in hooks:
                events.unregister(name, hook)
