"""What a listing costs from the request to the answer: its round trips, that of the API key among them."""

from dataclasses import replace
from typing import Any

import pytest

from app.api.application import create
from app.store.api_keys import ApiKeys
from app.store.partitions import Partitions
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.round_trips import counted

EMAIL: dict[str, Any] = {
    "from": "app@example.com",
    "to": "ann@example.net",
    "subject": "Hello",
    "text": "It works.",
    "tags": ["receipt", {"name": "order", "value": "7"}],
}
NEWEST, ALL = "from=2020-01-01T00:00:00Z", "to=2200-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "limit", [pytest.param(1, marks=pytest.mark.full), 20, pytest.param(100, marks=pytest.mark.full)]
)
@pytest.mark.parametrize(
    "query",
    [
        "",
        "recipient=ann@example.net",
        "tag=receipt",
        "tag=order=7",
        f"{NEWEST}&{ALL}",
        "status=queued",
        "status=canceled",
        "recipient_status=queued",
        "recipient_status=bounced&provider=ses",
        f"recipient=ann@example.net&tag=order&status=failed&{NEWEST}",
    ],
)
@pytest.mark.parametrize("scope", ["read", "admin"])
def test_a_page_takes_five_round_trips_at_most_from_a_process_that_knows_nothing_yet(
    client: Client, parts: Container, scope: str, query: str, limit: int
) -> None:
    for project in ("default", "shop"):
        sender = parts.api_keys.create("sender", {"send"}, (), project=project)
        for _ in range(3):
            assert client.post("/v1/emails", json=EMAIL, key=sender).status_code == 202
    key = parts.api_keys.create("reader", {scope}, ())
    ApiKeys(parts.clock).find(key)  # once an hour a key learns that it is used, which is a call more
    fresh = Partitions(parts.clock)
    with counted(replace(parts.read, partitions=fresh)) as (read, trips):
        cold = replace(parts, read=read, partitions=fresh, api_keys=ApiKeys(parts.clock))
        answer = Client(create(lambda: cold), key).get(f"/v1/emails?{query}&limit={limit}")
    assert answer.status_code == 200
    assert bool(answer.json()["emails"]) is not any(word in query for word in ("canceled", "failed", "bounced"))
    assert trips.calls["GetItem"] == 2  # the key, and the partitions
    assert trips.one_after_another <= 5
