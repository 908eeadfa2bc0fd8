"""Which email an idempotency key names."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from app.domain.key_hash import key_hash
from app.errors import ServiceUnavailable
from app.store.idempotency import IdempotencyKeys, KeyItem
from tests.support.aws import Aws

NOW_S = 1_800_000_000.0
TTL_S = 1_800_604_800


@pytest.fixture
def keys(store: Aws) -> IdempotencyKeys:
    return IdempotencyKeys()


@pytest.fixture
def key() -> str:
    return uuid4().hex


def test_the_first_id_stays(keys: IdempotencyKeys, key: str) -> None:
    assert keys.name("team", key, "eml_a", TTL_S, NOW_S) == ("eml_a", TTL_S)
    assert keys.name("team", key, "eml_b", TTL_S + 9, NOW_S) == ("eml_a", TTL_S)
    assert keys.name("team", key, "eml_a", TTL_S + 9, NOW_S) == ("eml_a", TTL_S)  # its own answer was lost


def test_projects_and_keys_do_not_mix(keys: IdempotencyKeys, key: str) -> None:
    pairs = [("a", key), ("b", key), ("a", f"{key}x"), ("a", f"b\n{key}")]
    for n, (project, text) in enumerate(pairs):
        keys.name(project, text, f"eml_{n}", TTL_S, NOW_S)
    found = [keys.name(project, text, "eml_new", TTL_S, NOW_S).email_id for project, text in pairs]
    assert found == ["eml_0", "eml_1", "eml_2", "eml_3"]


def test_after_its_last_second_it_names_the_next_email_though_it_was_not_deleted(
    keys: IdempotencyKeys, key: str
) -> None:
    keys.name("team", key, "eml_a", TTL_S, NOW_S)
    assert keys.name("team", key, "eml_b", TTL_S + 9, TTL_S).email_id == "eml_a"
    assert keys.name("team", key, "eml_b", TTL_S + 9, TTL_S + 1) == ("eml_b", TTL_S + 9)
    assert keys.name("team", key, "eml_c", TTL_S + 99, TTL_S + 1).email_id == "eml_b"


def test_its_text_is_not_stored(keys: IdempotencyKeys, key: str) -> None:
    keys.name("team", key, "eml_a", TTL_S, NOW_S)
    assert not any(key in repr(item.serialize()) for item in KeyItem.scan())


def test_of_many_at_once_one_is_named(keys: IdempotencyKeys, key: str) -> None:
    barrier = Barrier(12)

    def name(n: int) -> str:
        barrier.wait(60)
        return keys.name("team", key, f"eml_{n}", TTL_S, NOW_S).email_id

    with ThreadPoolExecutor(12) as pool:
        assert len(set(pool.map(name, range(12)))) == 1


def test_one_that_is_deleted_in_this_very_moment_is_to_be_sent_again(
    keys: IdempotencyKeys, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.name("team", key, "eml_a", TTL_S, NOW_S)
    get = KeyItem.get

    def deleted(*arguments: Any, **named: Any) -> KeyItem:
        get(*arguments, **named).delete()
        return get(*arguments, **named)

    monkeypatch.setattr(KeyItem, "get", deleted)
    with pytest.raises(ServiceUnavailable):
        keys.name("team", key, "eml_b", TTL_S, NOW_S)
    assert keys.name("team", key, "eml_b", TTL_S, NOW_S).email_id == "eml_b"


def test_a_key_is_kept_for_longer_and_never_for_less_long(keys: IdempotencyKeys, key: str) -> None:
    keys.name("team", key, "eml_a", TTL_S, NOW_S)
    hashed = key_hash("team", key)
    for ttl_s in (TTL_S + 60, TTL_S + 9):
        keys.keep(hashed, "eml_a", ttl_s)
        assert keys.name("team", key, "eml_b", TTL_S, NOW_S) == ("eml_a", TTL_S + 60)


def test_a_key_that_names_another_email_by_now_or_none_stays_so(keys: IdempotencyKeys, key: str) -> None:
    hashed = key_hash("team", key)
    keys.keep(hashed, "eml_a", TTL_S)
    assert keys.name("team", key, "eml_b", TTL_S, NOW_S) == ("eml_b", TTL_S)
    keys.keep(hashed, "eml_a", TTL_S + 60)
    assert keys.name("team", key, "eml_c", TTL_S, NOW_S) == ("eml_b", TTL_S)
