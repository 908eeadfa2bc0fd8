"""`python -m app.admin events tail`."""

import json
from collections.abc import Iterator, Mapping

import pytest

from app.admin import event_tail, notify_context
from app.domain.change_types import ChangeType
from app.settings import Settings
from app.store.change_items import ChangeItem, written
from tests.admin.conftest import Run
from tests.support.clock import Clock
from tests.support.feed_writer import FeedWriter, over_tables


@pytest.fixture
def feed(env: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[FeedWriter]:
    """The feed, empty, and commands that have its clock."""
    clock = Clock()
    monkeypatch.setattr(notify_context, "clock", clock)
    yield over_tables(Settings.from_env(env), clock)
    for item in ChangeItem.scan():
        item.delete()


def cursor(stderr: str) -> str:
    before, _, found = stderr.strip().rpartition(" ")
    assert before == "go on with --after"
    return found


def test_events_are_lines_and_the_next_run_goes_on(run: Run, feed: FeedWriter) -> None:
    first = feed.record("shop")
    done = run("events", "tail", "--once")
    assert done.exit_code == 0, done.output
    (line,) = done.stdout.splitlines()
    cells = line.split("  ")
    assert cells[1:] == ["email.queued", "ann@example.net", first.email_id]
    second = feed.record("blog")
    again = run("events", "tail", "--once", "--json", "--after", cursor(done.stderr))
    assert [json.loads(line) for line in again.stdout.splitlines()] == [written(second)]


def test_it_shows_what_is_asked_for(run: Run, feed: FeedWriter) -> None:
    feed.record("shop")
    opened = feed.record("shop", ChangeType.OPENED)
    test = feed.record("test:shop", ChangeType.CLICKED)
    feed.record("blog", ChangeType.OPENED)
    done = run("events", "tail", "--once", "--project", "shop", "--type", "email.opened", "--type", "email.clicked")
    assert [line.split("  ")[3] for line in done.stdout.splitlines()] == [opened.email_id, test.email_id]
    assert run("events", "tail", "--once", "--from", "2100-01-01T00:00:00Z").stdout == ""


def test_it_begins_ten_minutes_ago_or_whenever_it_is_told_to(run: Run, feed: FeedWriter) -> None:
    old = feed.record("shop")
    feed.clock.advance(3600)
    new = feed.record("shop")
    for options, expected in (((), [new]), (("--from", "1970-01-01T00:00:00Z"), [old, new])):
        done = run("events", "tail", "--once", *options)
        assert [line.split("  ")[3] for line in done.stdout.splitlines()] == [one.email_id for one in expected]


def test_it_follows_until_somebody_interrupts_it(run: Run, feed: FeedWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    first = feed.record("shop")
    later: list[str] = []

    def meanwhile(seconds: float) -> None:
        assert seconds == event_tail.ASKS_EVERY_S
        if later:
            raise KeyboardInterrupt
        later.append(feed.record("shop").id)

    monkeypatch.setattr(event_tail, "wait", meanwhile)
    done = run("events", "tail", "--json")
    assert done.exit_code == 0, done.output
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [first.id, *later]
    assert run("events", "tail", "--once", "--after", cursor(done.stderr)).stdout == ""


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--after", "nonsense"), "--after: "),
        (("--after", "MTIz"), "--after: "),
        (("--from", "today"), "--from: 'today'"),
        (("--project", "My Shop"), "is not the name of a project"),
    ],
)
def test_what_is_wrong_is_a_sentence(run: Run, options: tuple[str, ...], why: str) -> None:
    done = run("events", "tail", "--once", *options)
    assert (done.exit_code, done.stdout) == (1, "")
    assert why in done.stderr


def test_a_failover_names_the_account_that_failed_first(feed: FeedWriter) -> None:
    entry = written(feed.record("shop"))
    entry["data"] |= {"cause": "outage", "provider": "mailgun", "previous_provider": "sendgrid"}
    assert "  from sendgrid to mailgun  outage" in event_tail.line(entry)


def test_what_a_provider_said_cannot_steer_a_terminal(feed: FeedWriter) -> None:
    entry = written(feed.record("shop"))
    entry["data"] |= {"cause": "unknown_address", "detail": "550 \x1b[2J", "provider": "somebody"}
    line = event_tail.line(entry)
    assert line.endswith("through somebody  unknown_address: 550  [2J")
