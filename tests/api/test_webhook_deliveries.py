"""What an endpoint was told, by API: the log of tries, a test, and replays of one event and of a range."""

from typing import Any

import pytest

from app.api import times
from app.api.application import create
from app.domain.change_types import ChangeType
from app.domain.project import of_test_keys
from app.domain.tried import Tried
from app.notify import replay
from app.store.change_items import written
from app.store.delivery_log import DeliveryLog
from app.wiring.parts import Container
from tests.api.conftest import Client, installed
from tests.support.clock import Clock
from tests.support.feed_writer import NOTIFY_SETTINGS, PUBLIC, FeedWriter, body_of
from tests.support.feed_writer import client as aws_client

PATH = "/v1/webhook-endpoints"


@pytest.fixture
def client(notifying: Container) -> Client:
    """With a key of the project shop."""
    return Client(create(lambda: notifying), notifying.api_keys.create("shop", {"send", "read"}, (), project="shop"))


@pytest.fixture
def feed(notifying: Container, clock: Clock) -> FeedWriter:
    return FeedWriter.of(notifying, clock)


@pytest.fixture
def endpoint_id(client: Client) -> str:
    types = ["email.queued", "email.opened"]
    return str(client.post(PATH, json={"url": PUBLIC, "types": types}).json()["id"])


def replayed(client: Client, endpoint_id: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"{PATH}/{endpoint_id}/replay", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_test_goes_the_way_of_all_notifications(
    client: Client, feed: FeedWriter, endpoint_id: str, clock: Clock
) -> None:
    answer = client.post(f"{PATH}/{endpoint_id}/test")
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"{PATH}/{endpoint_id}/deliveries"
    (sent,) = feed.published()
    assert (sent.event_id, sent.endpoint_id, sent.project) == (answer.json()["event_id"], endpoint_id, "shop")
    assert (sent.type, sent.tries, sent.published_ms, sent.url) == ("webhook.test", 0, clock.now_ms, "")
    data = {"endpoint_id": endpoint_id, "project": "shop"}
    assert body_of(sent) == {"type": "webhook.test", "timestamp": times.write(clock.now_ms), "data": data}
    client.request("PATCH", f"{PATH}/{endpoint_id}", json={"disabled": True})
    assert client.post(f"{PATH}/{endpoint_id}/test").status_code == 202


def test_one_event_is_replayed_as_it_was(client: Client, feed: FeedWriter, endpoint_id: str, clock: Clock) -> None:
    feed.record("shop")
    change = feed.record("shop")
    feed.record("shop")
    assert replayed(client, endpoint_id, event_id=change.id) == {"replayed": 1, "after": None}
    (sent,) = feed.published()
    assert (sent.event_id, sent.type, sent.email_id) == (change.id, change.type, change.email_id)
    assert (sent.endpoint_id, sent.project, sent.published_ms) == (endpoint_id, "shop", clock.now_ms)
    assert {"id": change.id, **body_of(sent)} == written(change)
    assert replayed(client, endpoint_id, event_id="evt_none") == {"replayed": 0, "after": None}
    assert feed.published() == []


def test_a_range_is_replayed_without_what_the_endpoint_does_not_want(
    client: Client, feed: FeedWriter, endpoint_id: str, clock: Clock
) -> None:
    feed.record("shop")
    begin = times.write(clock.now_ms)
    queued = feed.record("shop")
    feed.record("shop", ChangeType.CLICKED)
    feed.record("blog")
    feed.record(of_test_keys("shop"))
    opened = feed.record("shop", ChangeType.OPENED)
    end = times.write(clock.now_ms)
    feed.record("shop")
    assert replayed(client, endpoint_id, **{"from": begin, "to": end}) == {"replayed": 2, "after": None}
    assert {one.event_id for one in feed.published()} == {queued.id, opened.id}
    replayed(client, endpoint_id, **{"from": begin, "types": ["email.opened", "email.clicked"]})
    assert [one.event_id for one in feed.published()] == [opened.id]
    replayed(client, endpoint_id, **{"from": begin, "email_id": queued.email_id})
    assert [one.event_id for one in feed.published()] == [queued.id]


def test_a_long_range_goes_on_where_the_last_call_ended(
    client: Client, feed: FeedWriter, endpoint_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "MOST_AT_ONCE", 2)
    sent = {feed.record("shop").id for _ in range(5)}
    body = {"from": "2020-01-01T00:00:00Z"}
    counts: list[int] = []
    after: str | None = None
    while not counts or after:
        answer = replayed(client, endpoint_id, **body, **({"after": after} if after else {}))
        counts.append(answer["replayed"])
        after = answer["after"]
    assert (sum(counts), max(counts)) == (5, 2)
    assert {one.event_id for one in feed.published()} == sent


def test_a_call_ends_in_time_and_says_where(
    client: Client, feed: FeedWriter, endpoint_id: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "GOES_ON_FOR_S", 0.0)
    clock.advance(-25 * 86_400)
    feed.record("shop")
    clock.advance(25 * 86_400)
    answer = replayed(client, endpoint_id, **{"from": "2020-01-01T00:00:00Z"})
    assert answer["after"] is not None
    while answer["after"]:
        answer = replayed(client, endpoint_id, **{"from": "2020-01-01T00:00:00Z", "after": answer["after"]})
    assert len(feed.published()) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "from"),
        ({"email_id": "eml_x"}, "from"),
        ({"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "to"),
        ({"from": "2026-01-01T00:00:00Z", "after": "nonsense"}, "after"),
        ({"from": "2026-01-01T00:00:00Z", "after": "MTIz"}, "after"),
        ({"from": "today"}, "from"),
        ({"from": "2026-01-01T00:00:00Z", "types": ["email.read"]}, "types[0]"),
    ],
)
def test_what_is_wrong_with_a_replay_is_named(
    client: Client, feed: FeedWriter, endpoint_id: str, body: dict[str, Any], field: str
) -> None:
    feed.record("shop")
    answer = client.post(f"{PATH}/{endpoint_id}/replay", json=body)
    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, [field])
    assert feed.published() == []


def test_nothing_is_replayed_to_a_disabled_endpoint(client: Client, feed: FeedWriter, endpoint_id: str) -> None:
    change = feed.record("shop")
    client.request("PATCH", f"{PATH}/{endpoint_id}", json={"disabled": True})
    answer = client.post(f"{PATH}/{endpoint_id}/replay", json={"event_id": change.id})
    assert answer.status_code == 409
    assert "enable it first" in answer.json()["detail"]
    assert feed.published() == []


def test_what_the_topic_does_not_take_is_an_error_that_can_be_repeated(
    client: Client, feed: FeedWriter, endpoint_id: str
) -> None:
    change = feed.record("shop")
    aws_client("sns").delete_topic(TopicArn=NOTIFY_SETTINGS["NOTIFICATIONS_TOPIC_ARN"])
    for path, body in (("test", None), ("replay", {"event_id": change.id})):
        answer = client.post(f"{PATH}/{endpoint_id}/{path}", json=body)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "1 of 1 were not published" in answer.json()["detail"]


def test_without_a_topic_the_answer_names_its_variable(clock: Clock) -> None:
    with installed(clock, None, WEBHOOK_SECRET=NOTIFY_SETTINGS["WEBHOOK_SECRET"]) as parts:
        client = Client(create(lambda: parts), parts.api_keys.create("all", {"admin"}, ()))
        endpoint_id = client.post(PATH, json={"url": PUBLIC}).json()["id"]
        answer = client.post(f"{PATH}/{endpoint_id}/test")
        assert answer.status_code == 503
        assert "NOTIFICATIONS_TOPIC_ARN is not set" in answer.json()["detail"]


def tried(clock: Clock, number: int, **fields: Any) -> Tried:
    known: dict[str, Any] = {"type": "email.queued", "email_id": f"eml_{number}", "status_code": 200} | fields
    return Tried(event_id=f"evt_{number}", at_ms=clock.now_ms, number=1, duration_ms=7, **known)


def test_tries_are_listed_newest_first_with_what_came_of_them(client: Client, endpoint_id: str, clock: Clock) -> None:
    log = DeliveryLog(clock)
    for number in range(6):
        bad = {"status_code": None, "fault": "timeout", "next_try_ms": clock.now_ms + 5000} if number % 2 else {}
        log.add("shop", endpoint_id, [tried(clock, number, **bad)])
        clock.advance(1)
    path = f"{PATH}/{endpoint_id}/deliveries"
    shown = client.get(path).json()
    assert [one["event_id"] for one in shown["deliveries"]] == [f"evt_{number}" for number in (5, 4, 3, 2, 1, 0)]
    assert shown["after"] is None
    assert shown["deliveries"][0] == {
        "event_id": "evt_5",
        "type": "email.queued",
        "email_id": "eml_5",
        "at": times.write(clock.now_ms - 1000),
        "try_number": 1,
        "delivered": False,
        "status_code": None,
        "fault": "timeout",
        "reply": None,
        "duration_ms": 7,
        "next_try_at": times.write(clock.now_ms + 4000),
    }
    for query, expected in (({}, "543210"), ({"failed": "true"}, "531")):
        found, after = "", ""
        while after is not None:
            page = client.get(path, params={"limit": 2, "after": after, **query}).json()
            assert len(page["deliveries"]) <= 2
            found += "".join(one["event_id"][-1] for one in page["deliveries"])
            after = page["after"]
        assert found == expected
    for wrong in ("after=nonsense", "after=MTIz", "limit=0", "failed=perhaps", "x=1"):
        assert client.get(f"{path}?{wrong}").status_code == 422, wrong
