"""API keys: the secret is nowhere, and a revoked key stops soon."""

import hashlib
from uuid import uuid4

import pytest

from app.store import api_keys
from app.store.api_keys import CACHE_FOR_S, PREFIX, UNKNOWN_FOR_S, ApiKeyItem, ApiKeys
from tests.support.clock import Clock

pytestmark = pytest.mark.usefixtures("store")


def test_a_key_is_found_by_its_secret_with_all_it_may_do() -> None:
    clock = Clock()
    secret = ApiKeys(clock).create("shop", ["send", "read"], ["example.com", "a.example"])
    key = ApiKeys(clock).find(secret)
    assert key is not None
    assert key.name == "shop"
    assert key.scopes == {"send", "read"}
    assert key.domains == ("a.example", "example.com")
    assert (key.created_at_ms, key.revoked_at_ms) == (clock.now_ms, None)
    assert key.id == hashlib.sha256(secret.encode()).hexdigest()


def test_only_the_hash_of_a_key_is_stored() -> None:
    name = uuid4().hex
    secret = ApiKeys(Clock()).create(name, ["send"], [])
    (item,) = [item for item in ApiKeyItem.scan() if item.name == name]
    assert item.key_sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(item.to_dynamodb_dict())
    assert secret.removeprefix(PREFIX) not in str(item.to_dynamodb_dict())


def test_secrets_are_long_random_and_told_apart_by_their_prefix() -> None:
    first, second = (ApiKeys(Clock()).create("a", ["read"], []) for _ in range(2))
    assert first != second
    assert first.startswith(PREFIX)
    assert len(first.removeprefix(PREFIX)) >= 43  # 256 bits


def test_a_given_secret_is_kept_and_may_be_given_again() -> None:
    secret = PREFIX + uuid4().hex
    keys = ApiKeys(Clock())
    assert keys.create("local", ["admin"], [], secret) == keys.create("local", ["admin"], [], secret) == secret
    assert keys.find(secret) is not None


@pytest.mark.parametrize("secret", ["", "em_nobody", "é"])
def test_an_unknown_key_is_none(secret: str) -> None:
    assert ApiKeys(Clock()).find(secret) is None


def test_a_key_without_domains_is_for_any() -> None:
    keys = ApiKeys(Clock())
    found = keys.find(keys.create("any", ["send"], []))
    assert found is not None
    assert found.domains == ()


def test_a_revoked_key_works_no_longer_than_the_cache() -> None:
    clock = Clock()
    warm, cold = ApiKeys(clock), ApiKeys(clock)
    secret = warm.create("shop", ["send"], [])
    key = warm.find(secret)
    assert key is not None
    cold.revoke(key.id)
    assert cold.find(secret) is None
    clock.advance(CACHE_FOR_S - 1)
    assert warm.find(secret) == key
    clock.advance(1)
    assert warm.find(secret) is None
    (revoked,) = [found for found in warm.all() if found.id == key.id]
    assert revoked.revoked_at_ms is not None


def test_a_key_in_use_is_read_once_per_cache_time() -> None:
    clock = Clock()
    keys = ApiKeys(clock)
    secret = keys.create("shop", ["send"], [])
    assert keys.find(secret) is not None
    ApiKeyItem(hashlib.sha256(secret.encode()).hexdigest()).delete()
    assert keys.find(secret) is not None  # from the cache: the table no longer knows it
    clock.advance(CACHE_FOR_S)
    assert keys.find(secret) is None


def test_a_key_that_was_not_there_is_found_seconds_after_it_is() -> None:
    clock = Clock()
    keys, secret = ApiKeys(clock), PREFIX + uuid4().hex
    assert keys.find(secret) is None
    keys.create("new", ["send"], [], secret)
    assert keys.find(secret) is None  # as was read a moment ago: whoever tries again costs no read
    clock.advance(UNKNOWN_FOR_S)
    assert keys.find(secret) is not None


def test_unknown_keys_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "UNKNOWN_AT_MOST", 3)
    keys = ApiKeys(Clock())
    for _ in range(10):
        assert keys.find(PREFIX + uuid4().hex) is None
        assert len(keys._unknown) <= 3


def test_that_bound_is_a_thousand() -> None:
    keys = ApiKeys(Clock())
    keys._unknown.update({str(number): keys._clocks.now() for number in range(999)})
    assert keys.find(PREFIX + uuid4().hex) is None
    assert len(keys._unknown) == 1000
    assert keys.find(PREFIX + uuid4().hex) is None
    assert len(keys._unknown) == 1  # the last one only


def test_what_is_no_key_of_ours_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ApiKeyItem.Meta, "table_name", "nowhere")  # so that a read would fail
    for secret in ("", "Bearer", "SG.abc", "EM_abc", "e" * 5000):
        assert ApiKeys(Clock()).find(secret) is None


def test_all_keys_are_listed_oldest_first() -> None:
    clock, name = Clock(), uuid4().hex
    keys = ApiKeys(clock)
    for scope in ("send", "read", "admin"):
        clock.advance(1)
        keys.create(name, [scope], [])
    mine = [key for key in keys.all() if key.name == name]
    assert [key.scopes for key in mine] == [{"send"}, {"read"}, {"admin"}]


@pytest.mark.parametrize(("wall_s", "monotonic_s"), [(-3600, 0), (-1, 0), (CACHE_FOR_S, 0), (0, CACHE_FOR_S)])
def test_a_revoked_key_is_refused_whatever_the_clocks_do(wall_s: float, monotonic_s: float) -> None:
    wall, monotonic = Clock(), Clock()
    keys = ApiKeys(wall, monotonic)
    secret = keys.create("shop", {"send"}, ())
    key = keys.find(secret)
    assert key is not None
    keys.revoke(key.id)
    assert keys.find(secret) == key  # from the cache
    wall.advance(wall_s)
    monotonic.advance(monotonic_s)
    assert keys.find(secret) is None


def test_a_given_secret_that_is_there_already_stays_as_it_is() -> None:
    """Local mode makes its own at every start: one that was revoked must not come back."""
    keys, secret = ApiKeys(Clock()), "em_known-to-everybody"
    assert keys.create("first", {"send"}, (), secret) == secret
    keys.create("second", {"admin"}, (), secret)
    found = keys.find(secret)
    assert found is not None
    assert (found.name, found.scopes) == ("first", frozenset({"send"}))
    keys.revoke(found.id)
    keys.create("third", {"admin"}, (), secret)
    assert ApiKeys(Clock()).find(secret) is None


def test_a_test_key_says_so_and_is_of_a_project_beside_its_own() -> None:
    clock, keys = Clock(), ApiKeys(Clock())
    secret = keys.create("shop", ["send"], [], project="shop", is_test=True)
    assert secret.startswith("em_test_")
    key = ApiKeys(clock).find(secret)
    assert key is not None
    assert (key.is_test, key.project, key.sees) == (True, "test:shop", "test:shop")
    again = keys.create("shop", key.scopes, key.domains, project=key.project)  # as who replaces a key makes it
    assert again.startswith("em_test_")
    real = ApiKeys(clock).find(keys.create("shop", ["send"], [], project="shop"))
    assert real is not None
    assert (real.is_test, real.project) == (False, "shop")


def test_a_test_key_is_no_operator_s() -> None:
    with pytest.raises(ValueError, match="may not have the scope admin"):
        ApiKeys(Clock()).create("shop", ["send", "admin"], [], is_test=True)
