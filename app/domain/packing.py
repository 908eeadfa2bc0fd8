"""Packing of many into several that may each hold so much."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def packed(
    items: Iterable[Item], bytes_of: Callable[[Item], int], most_bytes: int, most: int | None = None
) -> Iterator[list[Item]]:
    """The items in their order, in lists that hold `most_bytes` each, and `most` items (None: any number).

    An item that is larger has a list of its own.
    """
    several: list[Item] = []
    room = most_bytes
    for item in items:
        size = bytes_of(item)
        if several and (len(several) == most or size > room):
            yield several
            several, room = [], most_bytes
        several.append(item)
        room -= size
    if several:
        yield several
