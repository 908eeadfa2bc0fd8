"""A suppression that cannot be read fails no call about others, and is lifted like any other."""

from typing import Any
from uuid import uuid4

import pytest

from app.delivery.ports import Clock
from app.domain.suppression import Bounce
from app.store.suppression_items import NOT_READABLE, SuppressionItem
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.damage import put


@pytest.fixture
def damaged(client: Client) -> Any:
    """The suppression of a new address, whose item lost everything but its key since."""
    added = client.post("/v1/suppressions", json={"address": f"{uuid4().hex}@example.net", "note": "by phone"}).json()
    put(SuppressionItem, {"address_hmac": {"S": added["id"].removeprefix("sup_")}})
    return added


def test_the_list_leaves_it_out_and_its_address_shows_it(client: Client, damaged: Any) -> None:
    other = client.post("/v1/suppressions", json={"address": "other@example.net", "note": "by phone"}).json()
    answer = client.get("/v1/suppressions")
    assert answer.status_code == 200
    assert [each["id"] for each in answer.json()["suppressions"] if each["id"] in (other["id"], damaged["id"])] == [
        other["id"]
    ]
    answer = client.get("/v1/suppressions", params={"address": damaged["address"]})
    (shown,) = answer.json()["suppressions"]
    assert (shown["id"], shown["reason"], shown["note"]) == (damaged["id"], "manual", NOT_READABLE)
    assert shown["until"].startswith("9999-12-31")
    assert client.get(f"/v1/suppressions/{damaged['id']}").status_code == 503


def test_an_email_to_it_and_others_goes_to_the_others(client: Client, damaged: Any) -> None:
    email = {"from": "shop@example.com", "to": [damaged["address"], "fine@example.net"], "subject": "Hi", "text": "Hi"}
    answer = client.post("/v1/emails", json=email)
    assert answer.status_code == 202, answer.text
    assert [each["address"] for each in answer.json()["suppressed"]] == [damaged["address"]]


def test_it_is_lifted(client: Client, damaged: Any) -> None:
    assert client.request("DELETE", f"/v1/suppressions/{damaged['id']}").status_code == 204
    assert client.get("/v1/suppressions", params={"address": damaged["address"]}).json()["suppressions"] == []
    assert client.request("DELETE", f"/v1/suppressions/{damaged['id']}").status_code == 404


def test_what_a_webhook_or_a_call_finds_about_it_fails_neither(parts: Container, damaged: Any, clock: Clock) -> None:
    now_ms = int(clock() * 1000)
    for suppress in (parts.record.suppress, parts.attempt.suppress):
        suppress(Bounce(damaged["address"], "ses", now_ms, now_ms))
