"""The newest of the emails that replace each other: a head and the pointer to it, stored at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from app.domain.due import REPUBLISH_AFTER_MS
from app.domain.head import Head
from app.errors import ServiceUnavailable
from app.store.collapses import TRIES, CollapseItem, Collapses
from app.store.head_items import HeadItem
from app.store.heads import Heads
from tests.support.aws import Aws
from tests.support.clock import Clock
from tests.support.samples import a_head

NOW_MS = Clock().now_ms


@pytest.fixture
def collapses(store: Aws) -> Collapses:
    return Collapses()


@pytest.fixture
def scope() -> str:
    return uuid4().hex


def in_scope(scope: str) -> Head:
    return a_head(NOW_MS, collapse_scope=scope)


def test_a_head_is_stored_with_its_pointer(collapses: Collapses, scope: str) -> None:
    assert collapses.newest(scope) is None
    created = collapses.create(head := in_scope(scope), NOW_MS)
    stored = replace(head, version=1, written_at_ms=NOW_MS, due_entry_ms=NOW_MS + REPUBLISH_AFTER_MS)
    assert created == stored == Heads().get(head.email_id)
    assert collapses.newest(scope) == head.email_id
    assert CollapseItem.get(f"collapse#{scope}", "newest").ttl.timestamp() == head.ttl_s + 30 * 24 * 3600


def test_the_last_one_is_the_newest_whatever_its_time_and_id(collapses: Collapses, scope: str) -> None:
    for number in (5, 9, 1):
        head = replace(in_scope(scope), email_id=f"eml_{number}{scope}", created_at_ms=NOW_MS + number)
        collapses.create(head, NOW_MS)
        assert collapses.newest(scope) == head.email_id


def test_an_email_that_exists_moves_no_pointer(collapses: Collapses, scope: str) -> None:
    old, new = in_scope(scope), in_scope(scope)
    collapses.create(old, NOW_MS)
    collapses.create(new, NOW_MS)
    assert collapses.create(old, NOW_MS) is None
    assert collapses.newest(scope) == new.email_id


def test_scopes_do_not_mix(collapses: Collapses, scope: str) -> None:
    collapses.create(head := in_scope(scope), NOW_MS)
    collapses.create(in_scope(scope + "x"), NOW_MS)
    assert collapses.newest(scope) == head.email_id


def test_of_many_at_once_one_is_the_newest_and_all_are_stored(collapses: Collapses, scope: str) -> None:
    heads, barrier = [in_scope(scope) for _ in range(12)], Barrier(12)

    def create(head: Head) -> Head | None:
        barrier.wait(60)
        return collapses.create(head, NOW_MS)

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(create, heads))
    assert collapses.newest(scope) in {head.email_id for head in heads}


@contextmanager
def refusing(body: bytes, times: int) -> Iterator[list[str]]:
    """Answer the next calls of the store's client with an error. Yields the names of the operations that got it."""
    refused: list[str] = []

    def answer(request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        if len(refused) == times:
            return None
        refused.append(event_name.rpartition(".")[2])
        return AWSResponse(request.url, 400, HTTPHeaders(), Body(body))

    events: Any = HeadItem._get_connection().connection.client.meta.events
    events.register_first("before-send.dynamodb", answer)
    try:
        yield refused
    finally:
        events.unregister("before-send.dynamodb", answer)


class Body:
    """The raw body of an answer, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


def canceled(*codes: str) -> bytes:
    reasons = ", ".join(f'{{"Code": "{code}", "Message": "m"}}' for code in codes)
    kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    return f'{{"__type": "{kind}", "Message": "canceled", "CancellationReasons": [{reasons}]}}'.encode()


CONFLICT = canceled("None", "TransactionConflict")


def test_a_transaction_that_met_another_is_made_again(collapses: Collapses, scope: str) -> None:
    with refusing(CONFLICT, 2) as refused:
        assert collapses.create(head := in_scope(scope), NOW_MS) is not None
    assert refused == ["TransactWriteItems"] * 2
    assert collapses.newest(scope) == head.email_id


@pytest.mark.parametrize(
    ("body", "times"),
    [(CONFLICT, TRIES), (canceled("None", "ThrottlingError"), 1), (b'{"__type": "x#AccessDeniedException"}', 1)],
)
def test_a_store_that_takes_not_both_takes_neither(collapses: Collapses, scope: str, body: bytes, times: int) -> None:
    with refusing(body, times) as refused, pytest.raises(ServiceUnavailable):
        collapses.create(head := in_scope(scope), NOW_MS)
    assert len(refused) == times
    assert (Heads().get(head.email_id), collapses.newest(scope)) == (None, None)


def test_a_pointer_that_cannot_be_read_is_said(collapses: Collapses, scope: str, store: Aws) -> None:
    with refusing(b'{"__type": "x#AccessDeniedException"}', 1), pytest.raises(ServiceUnavailable):
        collapses.newest(scope)
