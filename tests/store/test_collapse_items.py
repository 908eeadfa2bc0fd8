"""The newest of the emails that replace each other."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest

from app.store.collapses import Collapses
from tests.support.aws import Aws

TTL_S = 1_900_000_000


@pytest.fixture
def collapses(store: Aws) -> Collapses:
    return Collapses()


@pytest.fixture
def scope() -> str:
    return uuid4().hex


def test_the_first_replaces_nobody(collapses: Collapses, scope: str) -> None:
    assert collapses.newest(scope) is None
    assert collapses.put(scope, "eml_a", 1000, TTL_S) is None
    assert collapses.newest(scope) == (1000, "eml_a")


def test_a_newer_one_replaces_and_an_older_one_does_not(collapses: Collapses, scope: str) -> None:
    collapses.put(scope, "eml_b", 1000, TTL_S)
    assert collapses.put(scope, "eml_a", 1001, TTL_S) == "eml_b"
    assert collapses.put(scope, "eml_c", 999, TTL_S) is None
    assert collapses.newest(scope) == (1001, "eml_a")


def test_of_one_millisecond_the_greater_id_is_the_newer(collapses: Collapses, scope: str) -> None:
    collapses.put(scope, "eml_b", 1000, TTL_S)
    assert collapses.put(scope, "eml_a", 1000, TTL_S) is None
    assert collapses.put(scope, "eml_c", 1000, TTL_S) == "eml_b"
    assert collapses.newest(scope) == (1000, "eml_c")


def test_again_changes_nothing(collapses: Collapses, scope: str) -> None:
    collapses.put(scope, "eml_a", 1000, TTL_S)
    assert collapses.put(scope, "eml_a", 1000, TTL_S) is None
    assert collapses.newest(scope) == (1000, "eml_a")


def test_scopes_do_not_mix(collapses: Collapses, scope: str) -> None:
    collapses.put(scope, "eml_a", 1000, TTL_S)
    assert collapses.put(scope + "x", "eml_b", 1001, TTL_S) is None
    assert collapses.newest(scope) == (1000, "eml_a")


def test_of_many_at_once_the_newest_is_left(collapses: Collapses, scope: str) -> None:
    barrier = Barrier(12)

    def put(n: int) -> None:
        barrier.wait(20)
        collapses.put(scope, f"eml_{n:02}", 1000 + n // 2, TTL_S)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(put, range(12)))
    assert collapses.newest(scope) == (1005, "eml_11")
