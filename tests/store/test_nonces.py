"""One token, one body."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest

from app.domain.event import Nonce
from app.store.nonces import NonceItem, Nonces

pytestmark = pytest.mark.usefixtures("store")
NOW_S = 1_800_000_000.0


def test_a_token_is_admitted_with_its_first_body_again_and_again_and_with_no_other() -> None:
    token = uuid4().hex
    nonces = Nonces(3600)
    assert nonces.admit("mailgun", Nonce(token, "a"), NOW_S)
    assert nonces.admit("mailgun", Nonce(token, "a"), NOW_S + 60)
    assert not nonces.admit("mailgun", Nonce(token, "b"), NOW_S + 60)
    assert nonces.admit("mailgun", Nonce(token, "a"), NOW_S + 61)


def test_tokens_of_two_providers_are_two_tokens() -> None:
    token = uuid4().hex
    assert Nonces(3600).admit("mailgun", Nonce(token, "a"), NOW_S)
    assert Nonces(3600).admit("another", Nonce(token, "b"), NOW_S)


def test_a_token_is_remembered_for_its_lifetime() -> None:
    token = uuid4().hex
    Nonces(3600).admit("mailgun", Nonce(token, "a"), NOW_S)
    assert NonceItem.get(f"mailgun#{token}", consistent_read=True).ttl.timestamp() == NOW_S + 3600


def test_of_many_bodies_at_once_one_is_admitted() -> None:
    token, barrier = uuid4().hex, Barrier(12)

    def admit(body: int) -> bool:
        barrier.wait(60)
        return Nonces(3600).admit("mailgun", Nonce(token, str(body)), NOW_S)

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(admit, range(12))) == 1
