"""The feed by API: each event once and in order, for whoever may see it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.api import times
from app.api.application import create
from app.api.v1 import notify_examples
from app.domain.change_types import ChangeType
from app.domain.changes import changes
from app.domain.head import EmailStatus
from app.domain.kinds import Cause
from app.domain.project import of_test_keys
from app.store import change_feed
from app.store.change_feed import HELD_BACK_MS, PROMPT_MS, ChangeFeed
from app.store.change_items import ChangeItem, written
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock
from tests.support.feed_writer import FeedWriter
from tests.support.samples import a_head

PATH = "/v1/events"


@pytest.fixture
def client(empty: Container) -> Client:
    """With a key that reads the project shop."""
    return Client(create(lambda: empty), empty.api_keys.create("shop", {"read"}, (), project="shop"))


@pytest.fixture
def feed(empty: Container, clock: Clock) -> FeedWriter:
    return FeedWriter.of(empty, clock)


def read(client: Client, key: str = "", **query: Any) -> list[dict[str, Any]]:
    """The events behind `after`, of all pages there are."""
    events: list[dict[str, Any]] = []
    while True:
        answer = client.get(PATH, params=query, key=key)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        events += page["events"]
        query = {name: value for name, value in query.items() if name != "from"} | {"after": page["after"]}
        if not page["has_more"]:
            return events


def end(client: Client) -> str:
    """The cursor behind all that there is."""
    page = client.get(PATH).json()
    while page["has_more"]:
        page = client.get(PATH, params={"after": page["after"]}).json()
    return str(page["after"])


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["id"] for event in events]


def test_an_event_is_what_a_webhook_says_with_its_id(client: Client, feed: FeedWriter) -> None:
    change = feed.record("shop", tags=("receipt", "order=4711"))
    assert read(client) == [written(change)]


def test_every_cursor_leads_past_nothing_while_events_appear(client: Client, feed: FeedWriter, clock: Clock) -> None:
    """One writer is slow: what it records comes to its place while readers are at every other one."""
    expected: list[str] = []
    found: list[str] = []
    after = end(client)
    for number in range(30):
        (change,) = changes(None, a_head(clock.now_ms, project="shop"), clock.now_ms)
        written_ms = clock.now_ms - (900 if number % 3 else 0)
        ChangeFeed(clock, feed.shards).add([change], written_ms)
        expected.append(change.id)
        clock.advance(0.7)
        page = client.get(PATH, params={"after": after, "limit": 1 + number % 4}).json()
        found += ids(page["events"])
        after = page["after"]
    clock.advance((PROMPT_MS + HELD_BACK_MS) / 1000 + 0.1)
    found += ids(read(client, after=after))
    assert len(found) == len(set(found))
    assert set(found) == set(expected)
    assert ids(read(client)) == found


def test_what_is_new_is_held_back_and_the_cursor_waits_for_it(client: Client, feed: FeedWriter, clock: Clock) -> None:
    feed.record("shop")
    after = end(client)
    later = feed.record("shop")
    clock.advance(-1)
    page = client.get(PATH, params={"after": after}).json()
    assert (page["events"], page["has_more"]) == ([], False)
    clock.advance(1)
    assert ids(read(client, after=page["after"])) == [later.id]


@pytest.mark.parametrize("query", [{}, {"from": "1970-01-02T00:00:00Z"}, {"type": "email.queued"}])
def test_the_first_page_of_a_new_installation_has_what_there_is(
    client: Client, feed: FeedWriter, query: dict[str, str]
) -> None:
    change = feed.record("shop")
    page = client.get(PATH, params=query).json()
    assert (ids(page["events"]), page["has_more"]) == ([change.id], False)


def test_an_empty_page_may_say_that_there_is_more(
    client: Client, feed: FeedWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued, opened = [feed.record("shop") for _ in range(2)], feed.record("shop", ChangeType.OPENED)
    monkeypatch.setattr(change_feed, "MOST_EXAMINED", 2)  # of what a filter may pass over
    page = client.get(PATH, params={"type": "email.opened"}).json()
    assert (page["events"], page["has_more"]) == ([], True)
    assert ids(read(client, type="email.opened")) == [opened.id]
    assert ids(read(client)) == [*(change.id for change in queued), opened.id]


def test_filters_choose_by_type_tag_and_email(client: Client, feed: FeedWriter) -> None:
    queued = feed.record("shop", tags=("receipt", "order=4711"))
    opened = feed.record("shop", ChangeType.OPENED, tags=("order=4712",))
    clicked = feed.record("shop", ChangeType.CLICKED)
    assert ids(read(client, type="email.opened")) == [opened.id]
    assert ids(read(client, type="email.opened, email.clicked")) == [opened.id, clicked.id]
    assert ids(read(client, tag="order")) == [queued.id, opened.id]
    assert ids(read(client, tag="order=4712")) == [opened.id]
    assert ids(read(client, email_id=clicked.email_id)) == [clicked.id]
    assert ids(read(client, email_id=clicked.email_id, type="email.opened")) == []
    assert ids(read(client, type="", tag="", email_id="", after="", project="")) == [queued.id, opened.id, clicked.id]
    assert ids(read(client, limit=1)) == [queued.id, opened.id, clicked.id]


def test_a_reader_begins_where_it_wants_to(client: Client, feed: FeedWriter, clock: Clock) -> None:
    feed.record("shop")
    now = times.write(clock.now_ms)
    later = feed.record("shop")
    assert ids(read(client, **{"from": now})) == [later.id]
    assert read(client, **{"from": times.write(clock.now_ms + 86_400_000)}) == []
    assert read(client, **{"from": "2300-01-01T00:00:00Z"}) == []
    assert len(read(client, **{"from": "1970-01-02T00:00:00Z"})) == 2
    after = end(client)
    refused = client.get(PATH, params={"from": now, "after": after})
    assert [error["field"] for error in refused.json()["errors"]] == ["from"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": "nonsense"}, "after"),
        ({"after": "MTIz"}, "after"),  # the text 123, encoded as a cursor is
        ({"after": "#"}, "after"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"type": "email.read"}, "type"),
        ({"type": "email.sent,"}, "type"),
        ({"type": ["email.sent", "email.queued"]}, "type"),
        ({"from": "yesterday"}, "from"),
        ({"project": "My Shop"}, "project"),
        ({"since": "1"}, "since"),
    ],
)
def test_what_is_wrong_is_named(client: Client, query: dict[str, Any], field: str) -> None:
    answer = client.get(PATH, params=query)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_key_sees_its_own_project_and_test_mail_is_apart(client: Client, empty: Container, feed: FeedWriter) -> None:
    shop, blog, test = feed.record("shop"), feed.record("blog"), feed.record(of_test_keys("shop"))
    keys = {
        "blog": empty.api_keys.create("blog", {"read"}, (), project="blog"),
        "test": empty.api_keys.create("test", {"read"}, (), project="shop", is_test=True),
        "admin": empty.api_keys.create("operator", {"admin"}, ()),
        "send": empty.api_keys.create("sender", {"send"}, (), project="shop"),
    }
    assert ids(read(client)) == [shop.id]
    assert ids(read(client, keys["blog"])) == [blog.id]
    (found,) = read(client, keys["test"])
    assert (found["id"], found["data"]["test"], found["data"]["project"]) == (test.id, True, "shop")
    assert ids(read(client, keys["admin"])) == [shop.id, blog.id, test.id]
    assert ids(read(client, keys["admin"], limit=1)) == [shop.id, blog.id, test.id]
    assert ids(read(client, keys["admin"], project="shop")) == [shop.id, test.id]
    assert read(client, keys["admin"], project="cafe") == []
    refused = client.get(f"{PATH}?project=blog")
    assert refused.status_code == 403
    assert "leave `project` out" in refused.json()["detail"]
    assert client.get(PATH, key=keys["send"]).status_code == 403


def test_an_entry_that_cannot_be_shown_hides_no_other(
    client: Client, feed: FeedWriter, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    first = feed.record("shop")
    item = next(iter(ChangeItem.scan()))
    part = f"{int(item.part[:13]) + 1:013d}{item.part[13:]}"
    data = {name: item.changes[0]["data"][name] for name in ("email_id", "sequence", "recipient", "status", "attempt")}
    changes = [{"id": "evt_x", "type": "email.queued", "data": data}]
    ChangeItem(item.partition, part, ttl=item.ttl, changes=changes).save()
    second = feed.record("shop")
    assert ids(read(client)) == [first.id, second.id]
    assert "entry of the feed cannot be shown" in caplog.text
    assert ids(read(client, type="email.queued")) == [first.id, second.id]


def test_the_example_of_an_event_says_what_an_event_may_say() -> None:
    data = notify_examples.EVENT["data"]
    assert data["email_status"] in list(EmailStatus)
    assert data["cause"] in list(Cause)


def test_the_page_about_the_api_shows_the_example_of_the_document() -> None:
    page = Path("docs/api.md").read_text(encoding="utf-8")
    (block,) = (
        block for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if notify_examples.EVENT_ID in block
    )
    assert json.loads(block) == notify_examples.EVENT
