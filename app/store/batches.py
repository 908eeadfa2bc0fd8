"""Writes, deletes and reads many items at once. What DynamoDB leaves undone is asked for again, after a short wait.

DynamoDB may do any part of a batch ("BatchWriteItem" in the API reference, read 2026-11-29, which recommends to wait
longer each time). PynamoDB asks again three times within a millisecond, or for a read without an end.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from pynamodb.exceptions import PynamoDBException
from pynamodb.models import Model

from app.domain.backoff import backoff_s
from app.errors import ServiceUnavailable
from app.faults import code_of, is_throttled

MOST_WRITTEN, MOST_READ = 25, 100  # items of one batch
TRIES = 8
FIRST_WAIT_S, LONGEST_WAIT_S = 0.04, 0.8

Raw = dict[str, Any]  # an item, or its key, as DynamoDB writes it


def put_all(items: Sequence[Model], may_begin: Callable[[], bool] = lambda: True) -> None:
    """Store items of one table, which have different keys. Raises ServiceUnavailable if not all were stored.

    No call is made once `may_begin` returns False.
    """
    for start in range(0, len(items), MOST_WRITTEN):
        batch = [item.serialize() for item in items[start : start + MOST_WRITTEN]]
        table = items[start].Meta.table_name
        connection = items[start]._get_connection().connection

        def put(left: list[Raw], table: str = table, connection: Any = connection) -> list[Raw]:
            answer = connection.batch_write_item(table, put_items=left)
            return [undone["PutRequest"]["Item"] for undone in answer.get("UnprocessedItems", {}).get(table, ())]

        _complete(batch, put, may_begin)


def delete_all(model: type[Model], keys: Sequence[Raw]) -> None:
    """Delete the items with these keys (attribute to plain value).

    Raises ServiceUnavailable if not all were deleted.
    """
    table = model.Meta.table_name
    connection: Any = model._get_connection().connection

    def delete(left: list[Raw]) -> list[Raw]:
        answer = connection.batch_write_item(table, delete_items=left)
        return [undone["DeleteRequest"]["Key"] for undone in answer.get("UnprocessedItems", {}).get(table, ())]

    for start in range(0, len(keys), MOST_WRITTEN):
        _complete(list(keys[start : start + MOST_WRITTEN]), delete)


def get_all(model: type[Model], keys: Sequence[Raw], *, is_consistent: bool = False) -> list[Raw]:
    """The items with these keys (attribute to plain value) that exist, in any order, as DynamoDB writes them.

    Raises ServiceUnavailable if not all were read.
    """
    found: list[Raw] = []
    table = model.Meta.table_name
    connection: Any = model._get_connection().connection  # its types are those of keys without a range key

    def get(left: list[Raw]) -> list[Raw]:
        answer = connection.batch_get_item(table, left, consistent_read=is_consistent)
        found.extend(answer["Responses"].get(table, ()))
        undone: list[Raw] = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        return undone

    for start in range(0, len(keys), MOST_READ):
        _complete(list(keys[start : start + MOST_READ]), get)
    return found


def _complete(
    left: list[Raw], ask: Callable[[list[Raw]], list[Raw]], may_begin: Callable[[], bool] = lambda: True
) -> None:
    """Ask until nothing is left undone. `ask` returns what is."""
    for number in range(TRIES):
        if number:
            time.sleep(backoff_s(number, FIRST_WAIT_S, LONGEST_WAIT_S))
        if not may_begin():
            raise ServiceUnavailable(f"the table was too slow: {len(left)} items are not stored in time")
        try:
            left = ask(left)
        except PynamoDBException as error:
            code = code_of(error)
            if not is_throttled(code):
                raise ServiceUnavailable(f"the table does not answer: {code or type(error).__name__}") from error
        if not left:
            return
    raise ServiceUnavailable(f"the table left {len(left)} items of a batch undone {TRIES} times")
