"""The runaway guard and the caps of projects, as clients see them: 429, a named problem, and when to try again."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.api.application import create
from app.domain.caps import DAY_S
from app.domain.runaway import HOUR_S, SAME
from app.wiring.parts import Container
from tests.api.conftest import Client, installed
from tests.support.clock import Clock

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.net", "subject": "Hello", "text": "It works."}


@pytest.fixture(scope="module")
def parts(clock: Clock) -> Iterator[Container]:
    with installed(clock, PROJECT_CAPS="small=3; large=1000", RUNAWAY_GUARD="on") as found:
        yield found


@pytest.fixture(scope="module")
def client(parts: Container) -> Client:
    return Client(create(lambda: parts), parts.api_keys.create("all", {"admin"}, ()))


@pytest.fixture
def small(parts: Container, clock: Clock) -> str:
    """A key of a project that may have three emails accepted a day, and has none today."""
    clock.advance(DAY_S)
    return parts.api_keys.create("small", {"send"}, (), project="small")


def post(client: Client, key: str, *emails: dict[str, Any]) -> Any:
    return client.post("/v1/emails/batch", json=list(emails), key=key)


def numbered(count: int) -> list[dict[str, Any]]:
    return [GOOD | {"subject": f"Number {number}"} for number in range(count)]


def words(answer: Any) -> list[str]:
    return [one.get("type", "").rpartition(":")[2] for one in answer.json()["data"]]


def test_a_cap_that_is_reached(client: Client, clock: Clock, small: str) -> None:
    until_midnight_s = DAY_S - int(clock.now_s) % DAY_S
    assert words(post(client, small, *numbered(5))) == ["", "", "", "daily-cap", "daily-cap"]
    single = client.post("/v1/emails", json=GOOD, key=small)
    whole = post(client, small, *numbered(2))
    for answer in (single, whole):
        assert answer.status_code == 429
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Retry-After"] == str(until_midnight_s)
        assert answer.json() == {
            "type": "urn:emailsminder:problem:daily-cap",
            "title": "Too many emails",
            "status": 429,
            "detail": "the project small may have 3 emails accepted a day, and has; it may have more from midnight UTC",
        }
    clock.advance(until_midnight_s)
    assert client.post("/v1/emails", json=GOOD, key=small).status_code == 202


def test_a_batch_that_comes_again_is_replayed_although_the_cap_is_reached(client: Client, small: str) -> None:
    emails = [one | {"idempotency_key": f"capped-{number}"} for number, one in enumerate(numbered(4))]
    first, second = (post(client, small, *emails).json()["data"] for _ in range(2))
    assert [one.get("id") for one in second] == [one.get("id") for one in first]
    assert [one.get("replayed") for one in second] == [True, True, True, None]


def test_a_loop(client: Client, parts: Container, clock: Clock) -> None:
    key = parts.api_keys.create("loop", {"send"}, (), project="large")
    assert {client.post("/v1/emails", json=GOOD, key=key).status_code for _ in range(SAME)} == {202}
    refused = client.post("/v1/emails", json=GOOD, key=key)
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:emailsminder:problem:runaway")
    assert refused.headers["Retry-After"] == str(HOUR_S - int(clock.now_s) % HOUR_S)
    assert words(post(client, key, GOOD, *numbered(1))) == ["runaway", ""]
    clock.advance(HOUR_S)
    assert client.post("/v1/emails", json=GOOD, key=key).status_code == 202


def test_the_settings_switch_them_on(parts: Container) -> None:
    assert parts.accept.admission.guard is not None
    assert parts.accept.admission.caps is not None
