"""Turns items, as DynamoDB returns them, into values. An item that cannot be read stops no other one.

An item may have been written by another version (as after a rollback), by hand, or by a program that broke off.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any, Final, TypeVar

from pynamodb.attributes import TTLAttribute
from pynamodb.models import Model
from pynamodb.pagination import ResultIterator

from app.errors import Unreadable
from app.store.raw_items import Raw

FIRST_MS: Final = -62_135_596_800_000  # the years 1 to 9999: nothing else can be written as a date
LAST_MS: Final = 253_402_300_799_999

Item = TypeVar("Item", bound=Model)
Value = TypeVar("Value")

_log = logging.getLogger(__name__)


def read_item(raw: Raw, to_value: Callable[[Raw], Value], what: str, key: str) -> Value:
    """The value of an item. Raises Unreadable if it has none, and logs `what` it is of and its `key`.

    `key` is what an operator finds the item by. It must tell no address.
    """
    try:
        return to_value(raw)
    except Exception as error:  # because whatever is wrong with one item, nothing else may stop for it
        # What an item can raise has no list: JSON may be nested too deeply (RecursionError), a number may be no date
        # (OverflowError, OSError), and a value of any type may stand where one of another is expected. Nothing is asked
        # of the store in here, so that none of its own failures is taken for a damage.
        _log.error("item cannot be read", extra={"item": what, "key": key, "reason": type(error).__name__})
        raise Unreadable(f"this {what} is of another version, which can read it; it is kept as it is") from error


def read_each(
    found: Iterable[Raw], to_value: Callable[[Raw], Value], what: str, key_of: Callable[[Raw], str]
) -> Iterator[Value]:
    """The values of those of these items that can be read, in their order. The others are logged, as by `read_item`."""
    for raw in found:
        with suppress(Unreadable):
            yield read_item(raw, to_value, what, key_of(raw))


@cache
def required(model: type[Model]) -> frozenset[str]:
    """The attributes of a model that are always written, but for the time to live, which nobody reads."""
    attributes = model.get_attributes().items()
    return frozenset(name for name, one in attributes if not one.null and not isinstance(one, TTLAttribute))


def by_model(model: type[Item], to_value: Callable[[Item], Value]) -> Callable[[Raw], Value]:
    """Reads an item by its model: raises KeyError if an attribute is missing without which no version writes one.

    It would otherwise be noticed far from here, by whoever uses it.
    """

    def read(raw: Raw) -> Value:
        if missing := required(model).difference(raw):
            raise KeyError(*missing)
        return to_value(model.from_raw_data(raw))

    return read


def as_written(found: ResultIterator[Any]) -> Iterator[Raw]:
    """The items of a query or a scan as DynamoDB writes them.

    PynamoDB would make a model of each, and end the whole at the first of which it cannot.
    """
    found._map_fn = None
    return found


def time_ms(number: float) -> int:
    """Epoch milliseconds that can be written as a date. Raises ValueError or TypeError for everything else."""
    if not FIRST_MS <= number <= LAST_MS:
        raise ValueError(f"{number} is no time")
    return int(number)


def optional_ms(number: float | None) -> int | None:
    """As `time_ms`. Returns None for None."""
    return None if number is None else time_ms(number)
