"""`python -m app.admin endpoints`."""

import json
import re
import time
from collections.abc import Mapping
from typing import Any

import pytest

from app.domain.tried import Tried
from app.outgoing.signing import secret_of
from app.settings import Settings
from app.store.delivery_log import DeliveryLog
from tests.admin.conftest import Run
from tests.support.clock import Clock
from tests.support.feed_writer import MASTER, NOTIFY_SETTINGS, PUBLIC, FeedWriter, make_topic, over_tables


@pytest.fixture(scope="module", autouse=True)
def topic(env: Mapping[str, str]) -> None:
    make_topic()


@pytest.fixture
def feed(env: Mapping[str, str]) -> FeedWriter:
    """The feed, an hour ago, so that commands can read what is told."""
    clock = Clock()
    clock.advance(-3600)
    return over_tables(Settings.from_env(env), clock)


def done(run: Run, *arguments: str, **changes: str) -> str:
    found = run("endpoints", *arguments, **(NOTIFY_SETTINGS | changes))
    assert found.exit_code == 0, found.output
    return str(found.stdout)


def record(run: Run, *arguments: str) -> Any:
    return json.loads(done(run, *arguments, "--json"))


def added(run: Run, *options: str) -> str:
    return str(record(run, "add", PUBLIC, *options)["id"])


def test_an_endpoint_is_added_shown_and_removed(run: Run) -> None:
    line = done(run, "add", PUBLIC, "--type", "email.bounced", "--project", "shop", "--description", "orders")
    endpoint_id, secret = line.split()
    assert secret == secret_of(MASTER, endpoint_id, 1)
    (one,) = record(run, "list", "--project", "shop")
    assert (one["id"], one["url"], one["types"], one["project"]) == (endpoint_id, PUBLIC, ["email.bounced"], "shop")
    assert record(run, "show", endpoint_id) == one
    heads, row = done(run, "list", "--project", "shop").splitlines()
    assert heads.split() == ["ID", "PROJECT", "URL", "TYPES", "STATE", "DESCRIPTION"]
    assert re.fullmatch(rf"{endpoint_id}\s+shop\s+{re.escape(PUBLIC)}\s+email.bounced\s+in use\s+orders", row)
    assert re.search(rf"url\s+{re.escape(PUBLIC)}", done(run, "show", endpoint_id))
    assert secret not in done(run, "show", endpoint_id)
    assert done(run, "remove", endpoint_id) == f"removed {endpoint_id}\n"
    assert done(run, "list", "--project", "shop") == "none\n"
    missing = run("endpoints", "show", endpoint_id)
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "no such endpoint" in missing.stderr


def test_it_is_disabled_and_enabled(run: Run) -> None:
    endpoint_id = added(run)
    assert done(run, "disable", endpoint_id) == f"disabled {endpoint_id}\n"
    assert record(run, "show", endpoint_id)["disabled_because"] == "by_user"
    assert "disabled (by_user) since 20" in done(run, "list")
    assert done(run, "enable", endpoint_id) == f"enabled {endpoint_id}\n"
    assert record(run, "show", endpoint_id)["disabled"] is False


def test_a_secret_is_rotated_that_of_default_too(run: Run) -> None:
    endpoint_id = added(run)
    found = run("endpoints", "rotate", endpoint_id, **NOTIFY_SETTINGS)
    assert found.stdout.strip() == secret_of(MASTER, endpoint_id, 2)
    assert re.fullmatch(r"the one before signs as well until 20\S+Z\n", found.stderr)
    assert done(run, "rotate", "default").strip() == secret_of(MASTER, "default:default", 2)
    assert done(run, "rotate", "default", "--project", "shop").strip() == secret_of(MASTER, "shop:default", 2)
    test = done(run, "rotate", "default", "--project", "shop", "--test").strip()
    assert test == secret_of(MASTER, "test:shop:default", 2)


def test_those_of_test_keys_are_told_apart(run: Run) -> None:
    endpoint_id = added(run, "--project", "lab", "--test")
    (one,) = record(run, "list", "--project", "lab")
    assert (one["id"], one["project"], one["test"]) == (endpoint_id, "lab", True)
    assert "lab (test)" in done(run, "list", "--project", "lab")
    assert record(run, "show", endpoint_id) == one


@pytest.mark.parametrize(
    ("arguments", "variables", "why"),
    [
        (("add", "https://127.0.0.1/"), NOTIFY_SETTINGS, "loopback"),
        (("add", PUBLIC), {}, "WEBHOOK_SECRET is not set"),
        (("add", PUBLIC, "--project", "My Shop"), NOTIFY_SETTINGS, "is not the name of a project"),
        (("disable", "default"), NOTIFY_SETTINGS, "`default` stands for"),
        (("remove", "default"), NOTIFY_SETTINGS, "`default` stands for"),
        (("test", "default"), NOTIFY_SETTINGS, "has no URL of its own"),
        (("replay", "default", "--event", "evt_x"), NOTIFY_SETTINGS, "has no URL of its own"),
        (("enable", "ep_none"), NOTIFY_SETTINGS, "no such endpoint"),
        (("replay", "ep_none"), NOTIFY_SETTINGS, "--from, or --event"),
        (("replay", "ep_none", "--from", "today"), NOTIFY_SETTINGS, "--from: 'today'"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    run: Run, arguments: tuple[str, ...], variables: dict[str, str], why: str
) -> None:
    found = run("endpoints", *arguments, **variables)
    assert (found.exit_code, found.stdout) == (1, "")
    assert why in found.stderr
    assert "Traceback" not in found.stderr


def test_a_test_is_published(run: Run, feed: FeedWriter) -> None:
    endpoint_id = added(run)
    words = done(run, "test", endpoint_id)
    (sent,) = feed.published()
    assert (sent.endpoint_id, sent.type) == (endpoint_id, "webhook.test")
    assert words == f"{sent.event_id} is on its way\n"


def test_one_event_that_is_not_found_is_an_error(run: Run, feed: FeedWriter) -> None:
    endpoint_id = added(run)
    found = run("endpoints", "replay", endpoint_id, "--event", "evt_none", **NOTIFY_SETTINGS)
    assert (found.exit_code, found.stdout, feed.published()) == (1, "", [])
    assert found.stderr.startswith("--event: evt_none was not replayed: it is not in the feed")


def test_events_are_replayed_one_or_a_range(run: Run, feed: FeedWriter) -> None:
    endpoint_id = added(run, "--project", "cafe")
    first, second = feed.record("cafe"), feed.record("cafe")
    assert done(run, "replay", endpoint_id, "--event", first.id) == "1 event replayed\n"
    assert [one.event_id for one in feed.published()] == [first.id]
    assert record(run, "replay", endpoint_id, "--from", "2020-01-01T00:00:00Z") == {"replayed": 2}
    assert {one.event_id for one in feed.published()} == {first.id, second.id}
    assert record(run, "replay", endpoint_id, "--from", "2020-01-01T00:00:00Z", "--email", second.email_id) == {
        "replayed": 1
    }
    assert record(run, "replay", endpoint_id, "--from", "2020-01-01T00:00:00Z", "--type", "email.opened") == {
        "replayed": 0
    }


def test_tries_are_listed(run: Run) -> None:
    endpoint_id = added(run, "--project", "bar")
    log, at_ms = DeliveryLog(time.time), int(time.time() * 1000)
    for number in range(3):
        bad = number == 1
        tried = Tried(
            event_id=f"evt_{number}",
            type="email.sent",
            email_id="eml_x",
            at_ms=at_ms + number,
            number=1,
            status_code=500 if bad else 204,
            duration_ms=12,
            reply="\x1b[31mno" if bad else "",
            next_try_ms=at_ms + 5000 if bad else None,
        )
        log.add("bar", endpoint_id, [tried])
    assert {one["event_id"] for one in record(run, "deliveries", endpoint_id)} == {"evt_0", "evt_1", "evt_2"}
    assert len(record(run, "deliveries", endpoint_id, "--limit", "2")) == 2
    (one,) = record(run, "deliveries", endpoint_id, "--failed")
    assert (one["event_id"], one["status_code"]) == ("evt_1", 500)
    table = done(run, "deliveries", endpoint_id, "--failed")
    assert table.splitlines()[0].split()[:4] == ["AT", "EVENT", "TYPE", "TRY"]
    assert "\x1b" not in table
    assert done(run, "deliveries", "default") == "none\n"
