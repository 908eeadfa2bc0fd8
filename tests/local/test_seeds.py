"""What the documentation's examples name is there, and is what the examples say."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.api.application import create
from app.api.v1 import examples, key_examples, notify_examples
from app.domain.suppression import Entry
from app.local.environment import NOTHING_TO_KEEP
from app.local.seeds import seed
from app.store.head_items import HeadItem
from app.store.suppressions import Suppressions
from app.wiring.parts import Container
from tests.api.conftest import Client, installed
from tests.support.clock import Clock

DAY_MS = 24 * 3600 * 1000
TIMES = {"created_at", "send_at", "expires_at", "started_at", "at", "sort_at", "since", "until"}


@pytest.fixture
def parts(clock: Clock) -> Iterator[Container]:
    with installed(clock, ADDRESS_SECRET=NOTHING_TO_KEEP) as found:
        seed(found)
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(parts: Container) -> Client:
    return Client(create(lambda: parts), parts.api_keys.create("all", {"admin"}, ()))


def timeless(value: Any) -> Any:
    """The value without its times."""
    if isinstance(value, dict):
        return {name: timeless(item) for name, item in value.items() if name not in TIMES}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def test_the_story_is_that_of_the_example(client: Client) -> None:
    story = client.get(f"/v1/emails/{examples.ID}").json()
    assert timeless(story) == timeless(examples.STORY)
    assert story["created_at"] < story["attempts"][0]["started_at"] < story["events"][0]["at"] < story["expires_at"]


def test_canceling_the_canceled_email_is_the_example(client: Client) -> None:
    for _ in range(2):
        answer = client.post(f"/v1/emails/{examples.CANCELED_ID}/cancel")
        assert (answer.status_code, timeless(answer.json())) == (200, timeless(examples.CANCELED))


def test_moving_the_scheduled_email_is_the_example_however_often(client: Client) -> None:
    for _ in range(2):
        answer = client.request("PATCH", f"/v1/emails/{examples.SCHEDULED_ID}", json=examples.TO_MOVE)
        assert (answer.status_code, timeless(answer.json())) == (200, timeless(examples.MOVED))
        assert answer.json()["send_at"] == examples.TO_MOVE["send_at"]


def test_retrying_the_failed_email_is_the_example(client: Client) -> None:
    assert timeless(client.get(f"/v1/emails/{examples.FAILED_ID}").json())["status"] == "failed"
    answer = client.post(f"/v1/emails/{examples.FAILED_ID}/retry", json=examples.TO_RETRY)
    assert (answer.status_code, timeless(answer.json())) == (202, timeless(examples.RETRIED))


def test_all_emails_are_listed_and_nothing_is_due(client: Client, parts: Container, clock: Clock) -> None:
    listed = client.get("/v1/emails", params={"recipient": "ann@example.com"}).json()["emails"]
    assert {email["id"] for email in listed} == {
        examples.ID,
        examples.CANCELED_ID,
        examples.SCHEDULED_ID,
        examples.FAILED_ID,
    }
    now_ms = int(clock() * 1000)
    shards = range(parts.settings.shards)
    waiting = [parts.accept.heads.waiting(str(shard), now_ms - 10**12, 10)[0] for shard in shards]
    assert [email_id for ids in waiting for email_id in ids] == [examples.SCHEDULED_ID]
    assert [parts.accept.heads.due(str(shard), now_ms + 20 * DAY_MS, 10)[0] for shard in shards] == [[] for _ in shards]


def test_the_suppression_has_the_id_of_the_example(client: Client) -> None:
    answer = client.get(f"/v1/suppressions/{examples.SUPPRESSION['id']}")
    assert timeless(answer.json()) == timeless(examples.SUPPRESSION)
    entry = Entry(examples.TO_SUPPRESS["address"])
    assert Suppressions(NOTHING_TO_KEEP).id_of(entry) == examples.SUPPRESSION["id"]


def test_the_key_of_the_examples_is_there_again_at_the_next_start(client: Client, parts: Container) -> None:
    for number, spoil in enumerate((("POST", "/rotate"), ("DELETE", ""))):
        shown = client.get(f"/v1/keys/{key_examples.KEY['id']}").json()
        assert timeless(shown) == timeless(key_examples.KEY), number
        rotated = client.request(spoil[0], f"/v1/keys/{key_examples.KEY['id']}{spoil[1]}")
        assert rotated.status_code in (201, 204)
        seed(parts)


def test_the_endpoint_of_the_examples_is_there_again_at_the_next_start(client: Client, parts: Container) -> None:
    path = f"/v1/webhook-endpoints/{notify_examples.ENDPOINT['id']}"
    for _ in range(2):
        assert timeless(client.get(path).json()) == timeless(notify_examples.ENDPOINT)
        assert client.request("DELETE", path).status_code == 204
        seed(parts)
    client.request("PATCH", path, json={"disabled": True})
    seed(parts)
    assert client.get(path).json()["disabled"] is True


def test_the_next_start_writes_only_what_is_missing(client: Client, parts: Container, clock: Clock) -> None:
    before = client.get(f"/v1/emails/{examples.ID}").json(), client.get("/v1/suppressions").json()
    clock.advance(60)
    seed(parts)
    assert (client.get(f"/v1/emails/{examples.ID}").json(), client.get("/v1/suppressions").json()) == before

    client.request("DELETE", f"/v1/suppressions/{examples.SUPPRESSION['id']}")
    HeadItem.get(examples.CANCELED_ID, "email").delete()
    seed(parts)
    assert client.get(f"/v1/suppressions/{examples.SUPPRESSION['id']}").status_code == 200
    assert client.get(f"/v1/emails/{examples.CANCELED_ID}").status_code == 200


def test_no_example_spoils_another(client: Client) -> None:
    for example in (examples.SHORT, examples.FULL, examples.OTHER_FORMS):
        client.post("/v1/suppressions", json=examples.TO_SUPPRESS)
        assert client.post("/v1/emails", json=example).json()["suppressed"] == []
