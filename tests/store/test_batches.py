"""Batches of which DynamoDB does only a part: the rest is asked for again after a wait, or else it is unavailable."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from app.errors import ServiceUnavailable
from app.store.batches import TRIES, delete_all, get_all, put_all
from app.store.events import EventItem
from app.store.ttl import as_ttl
from tests.support.aws import Aws

Undone = Callable[[int, int], int]  # of the number of a request (from 1) and its size: how many items are left undone


class PartialAnswers:
    """Cuts requests short before they are sent, as DynamoDB does, and says in the answer what was left undone."""

    def __init__(self, undone: Undone) -> None:
        self._undone = undone
        self.sizes: list[int] = []

    def call(self, make: Callable[[str, dict[str, Any]], Any], operation: str, request: dict[str, Any]) -> Any:
        ((table, asked),) = request["RequestItems"].items()
        entries = asked if operation == "BatchWriteItem" else asked["Keys"]
        self.sizes.append(len(entries))
        count = self._undone(len(self.sizes), len(entries))
        left, done = entries[:count], entries[count:]
        if operation == "BatchWriteItem":
            answer = make(operation, {"RequestItems": {table: done}}) if done else {}
            return answer | {"UnprocessedItems": {table: left} if left else {}}
        answer = make(operation, {"RequestItems": {table: asked | {"Keys": done}}}) if done else {"Responses": {}}
        return answer | {"UnprocessedKeys": {table: {"Keys": left}} if left else {}}


Install = Callable[[Undone], PartialAnswers]


@pytest.fixture
def answers(store: Aws, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes the store answer in part. Waits are remembered and not waited for."""
    client = EventItem._get_connection().connection.client
    make = client._make_api_call
    monkeypatch.setattr("app.store.batches.time.sleep", WAITED.append)
    WAITED.clear()

    def install(undone: Undone) -> PartialAnswers:
        found = PartialAnswers(undone)
        monkeypatch.setattr(client, "_make_api_call", lambda name, request: found.call(make, name, request))
        return found

    return install


WAITED: list[float] = []


def some_items(count: int) -> list[EventItem]:
    says: dict[str, Any] = {
        "provider": "ses",
        "kind": "opened",
        "attempt": 1,
        "at": 1,
        "status": "sent",
        "email_status": "sent",
    }
    return [
        EventItem(uuid4().hex, "event#1", ttl=as_ttl(4_000_000_000), stored_at=1, version=1, **says)
        for _ in range(count)
    ]


def keys(items: list[EventItem]) -> list[dict[str, str]]:
    return [{"email_id": item.email_id, "part": item.part} for item in items]


def ids(raws: list[dict[str, Any]]) -> set[str]:
    return {raw["email_id"]["S"] for raw in raws}


def test_more_than_fit_one_batch_are_written_and_read(store: Aws) -> None:
    items = some_items(120)
    put_all(items)
    assert ids(get_all(EventItem, keys(items), is_consistent=True)) == {item.email_id for item in items}
    assert get_all(EventItem, []) == []
    put_all([])
    delete_all(EventItem, keys(items[:110]))
    delete_all(EventItem, [])
    assert ids(get_all(EventItem, keys(items), is_consistent=True)) == {item.email_id for item in items[110:]}


def test_what_is_left_undone_is_not_asked_for_again_when_it_is_too_late(answers: Install) -> None:
    writes = answers(lambda _, size: size // 2)
    left = iter([True, True, False])
    with pytest.raises(ServiceUnavailable, match="too slow: 5 items are not stored in time"):
        put_all(some_items(20), lambda: next(left))
    assert writes.sizes == [20, 10]


def test_what_is_left_undone_is_asked_for_again_each_time_after_a_longer_wait(answers: Install) -> None:
    items = some_items(20)
    writes = answers(lambda _, size: size // 2)
    put_all(items)
    assert writes.sizes == [20, 10, 5, 2, 1]
    reads = answers(lambda _, size: size // 2)
    assert ids(get_all(EventItem, keys(items), is_consistent=True)) == {item.email_id for item in items}
    assert reads.sizes == [20, 10, 5, 2, 1]
    deletes = answers(lambda _, size: size // 2)
    delete_all(EventItem, keys(items))
    assert deletes.sizes == [20, 10, 5, 2, 1]
    assert len(WAITED) == 12
    answers(lambda _number, _size: 0)
    assert get_all(EventItem, keys(items), is_consistent=True) == []
    assert all(0 <= waited_s <= 0.04 * 2**number for number, waited_s in enumerate(WAITED[:4]))


def test_what_is_left_undone_for_good_is_unavailable(answers: Install) -> None:
    items = some_items(3)
    writes = answers(lambda _, size: min(size, 1))
    with pytest.raises(ServiceUnavailable, match="1 items"):
        put_all(items)
    assert len(writes.sizes) == TRIES
    assert sum(WAITED) < 4
    with pytest.raises(ServiceUnavailable):
        get_all(EventItem, keys(items))
    with pytest.raises(ServiceUnavailable):
        delete_all(EventItem, keys(items))


def test_a_throttled_batch_is_asked_for_again_and_any_other_fault_is_not(answers: Install) -> None:
    def fail(code: str, times: int) -> Undone:
        def undone(number: int, _: int) -> int:
            if number <= times:
                raise ClientError({"Error": {"Code": code, "Message": "no"}}, "BatchWriteItem")
            return 0

        return undone

    throttled = answers(fail("ProvisionedThroughputExceededException", 3))
    put_all(some_items(2))
    assert throttled.sizes == [2, 2, 2, 2]
    refused = answers(fail("ValidationException", 1))
    with pytest.raises(ServiceUnavailable, match="ValidationException"):
        put_all(some_items(2))
    assert refused.sizes == [2]
