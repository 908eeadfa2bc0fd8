"""Outgoing webhooks are verified by whoever reads the specification, and by the two libraries that receivers use."""

import base64
import hashlib
import hmac
import json
import time

import pytest
import standardwebhooks
import svix
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.endpoint import OVERLAP_MS
from app.outgoing.signing import secret_of, signed_headers, signing_generations
from tests.support.size import examples

MASTER = "m" * 40
ENDPOINT = "whe_abc"
BODY = json.dumps({"type": "email.delivered", "data": {"detail": "250 schön"}}, ensure_ascii=False).encode()
AT_S = 1_764_500_000


def verifies(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As the specification says it: the signed content is id, timestamp and body with full stops between them; the key
    is the base64 behind `whsec_`; the header has signatures with spaces between them, each a version, a comma, base64.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    content = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return any(part == f"v1,{expected}" for part in headers["webhook-signature"].split(" "))


def test_a_receiver_that_reads_the_specification_verifies_it() -> None:
    secret = secret_of(MASTER, ENDPOINT, 1)
    headers = signed_headers([secret], "evt_1", AT_S, BODY)
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("evt_1", str(AT_S))
    assert verifies(secret, headers, BODY)
    assert not verifies(secret, headers, BODY + b" ")
    assert not verifies(secret, {**headers, "webhook-timestamp": str(AT_S + 1)}, BODY)
    assert not verifies(secret, {**headers, "webhook-id": "evt_2"}, BODY)
    assert not verifies(secret_of(MASTER, "whe_other", 1), headers, BODY)


@pytest.mark.parametrize("library", [standardwebhooks.Webhook, svix.Webhook], ids=["standardwebhooks", "svix"])
def test_the_libraries_of_receivers_verify_it_under_either_generation(library: type) -> None:
    old, new = (secret_of(MASTER, ENDPOINT, generation) for generation in (1, 2))
    headers = signed_headers([new, old], "evt_1", int(time.time()), BODY)  # the libraries read the clock themselves
    for secret in (old, new):
        library(secret).verify(BODY, headers)
    stranger = library(secret_of(MASTER, ENDPOINT, 3))
    with pytest.raises(standardwebhooks.WebhookVerificationError, match="No matching signature"):
        stranger.verify(BODY, headers)


def test_a_secret_is_what_the_specification_asks_for() -> None:
    secret = secret_of(MASTER, ENDPOINT, 1)
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64


def test_a_secret_is_the_hkdf_of_the_master_secret_and_its_owner() -> None:
    info = f"{ENDPOINT}\n7".encode()
    derived = HKDF(SHA256(), 32, b"emailsminder outgoing webhooks v1", info).derive(MASTER.encode())
    assert secret_of(MASTER, ENDPOINT, 7) == "whsec_" + base64.b64encode(derived).decode()


def test_every_owner_and_generation_has_a_secret_of_its_own() -> None:
    owners = [(MASTER, ENDPOINT, 1), (MASTER, ENDPOINT, 2), (MASTER, "whe_abd", 1), ("n" * 40, ENDPOINT, 1)]
    assert len({secret_of(*owner) for owner in owners}) == len(owners)
    assert secret_of(*owners[0]) == secret_of(*owners[0])


def test_a_short_master_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="has 31 characters: a secret that others follow from has 32 or more"):
        secret_of("m" * 31, ENDPOINT, 1)


def test_both_generations_sign_for_a_day_and_then_only_the_new_one() -> None:
    rotated_ms = 10_000
    assert signing_generations([0], rotated_ms) == (1,)
    assert signing_generations([0, rotated_ms], rotated_ms) == (2, 1)
    assert signing_generations([0, rotated_ms], rotated_ms + OVERLAP_MS - 1) == (2, 1)
    assert signing_generations([0, rotated_ms], rotated_ms + OVERLAP_MS) == (2,)
    with pytest.raises(ValueError, match="one generation at least"):
        signing_generations([], 0)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.integers(0, 5 * OVERLAP_MS), min_size=1, max_size=6).map(sorted), st.integers(0, 8 * OVERLAP_MS))
def test_whoever_had_a_secret_a_day_ago_still_verifies(began_ms: list[int], now_ms: int) -> None:
    signing = signing_generations(began_ms, now_ms)
    for generation in range(1, len(began_ms) + 1):
        is_newest = generation == len(began_ms)
        assert (generation in signing) is (is_newest or now_ms < began_ms[generation] + OVERLAP_MS)
    assert list(signing) == sorted(signing, reverse=True)
