"""What the API asks of the tables of what applications are told: its role allows it, and nothing that is not asked."""

from collections.abc import Iterator

import pytest

from app.api.application import create
from app.wiring.parts import Container
from tests.api.conftest import Client, installed
from tests.infra.rights import asked, rights
from tests.support.clock import Clock
from tests.support.feed_writer import NOTIFY_SETTINGS, PUBLIC, FeedWriter, make_topic

ENDPOINTS = "/v1/webhook-endpoints"
TOLD = ("changes", "endpoints")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def parts(clock: Clock) -> Iterator[Container]:
    with installed(clock, None, **NOTIFY_SETTINGS) as found:
        make_topic()
        yield found


def test_the_role_of_the_api_allows_what_its_calls_ask_and_no_more(parts: Container, clock: Clock) -> None:
    app = create(lambda: parts)
    client = Client(app, parts.api_keys.create("shop", {"send", "read"}, (), project="shop"))
    operator = Client(app, parts.api_keys.create("operator", {"admin"}, ()))
    change = FeedWriter.of(parts, clock).record("shop")
    with asked() as found:
        answers = [client.post(ENDPOINTS, json={"url": PUBLIC})]
        one = f"{ENDPOINTS}/{answers[0].json()['id']}"
        for reader in (client, operator):
            answers += [reader.get(path) for path in (ENDPOINTS, one, "/v1/events", "/v1/stats", f"{one}/deliveries")]
        answers += [client.get(f"{ENDPOINTS}/default"), client.post(f"{ENDPOINTS}/default/rotate-secret")]
        answers += [client.post(f"{one}/{path}") for path in ("rotate-secret", "test")]
        for chosen in ({"event_id": change.id}, {"from": "2020-01-01T00:00:00Z"}):
            answers.append(client.post(f"{one}/replay", json=chosen))
        answers.append(client.request("PATCH", one, json={"disabled": True}))
        answers.append(client.request("DELETE", one))
    assert [answer.text for answer in answers if answer.is_error] == []
    allowed = rights("ApiRole")
    assert {table: found[table] for table in TOLD} == {table: allowed[table] for table in TOLD}
    refused = {table: actions - allowed.get(table, set()) for table, actions in found.items()}
    assert not any(refused.values()), refused
