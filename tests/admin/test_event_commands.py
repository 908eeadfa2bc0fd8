"""`events rebuild`: what was not told is told, and every mistake is a sentence."""

import json
import time
from collections.abc import Sequence
from uuid import uuid4

import pytest

from app.notify.notification import Notification
from app.store.change_feed import ChangeFeed, FeedPosition
from app.store.heads import Heads
from app.store.partitions import Partitions
from tests.admin.conftest import Run
from tests.support.samples import a_head

HOUR_MS = 3_600_000


def since(hours: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - hours * 3600))


def accepted(project: str) -> str:
    """The id of an email that was accepted an hour ago, of which nobody was told."""
    Partitions(time.time).note(project)
    at_ms = int(time.time() * 1000) - HOUR_MS
    head = Heads().create(a_head(at_ms, project=project, webhook_url="https://hooks.example.com/"), at_ms)
    assert head is not None
    return head.email_id


@pytest.fixture
def project() -> str:
    return f"p{uuid4().hex[:12]}"


def test_what_was_not_told_is_told_once(run: Run, project: str) -> None:
    email_id = accepted(project)
    done = run("events", "rebuild", "--from", since(2), "--project", project)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "1 emails compared, 0 of them left alone, 0 passed over; 1 changes told\n"
    later = ChangeFeed(lambda: time.time() + 60, 4)
    page = later.read(project, FeedPosition.at(int(time.time() * 1000) - 2 * HOUR_MS), 10)
    assert [(one["type"], one["data"]["email_id"]) for one in page.entries] == [("email.queued", email_id)]


def test_the_time_is_that_of_acceptance_and_the_answer_may_be_json(run: Run, project: str) -> None:
    accepted(project)
    done = run("events", "rebuild", "--from", since(5), "--to", since(2), "--project", project, "--json")
    assert json.loads(done.stdout) == {"emails": 0, "left_alone": 0, "changes": 0, "passed_over": 0, "unpublished": 0}


def test_with_notify_it_is_published(run: Run, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[Notification] = []

    def take(_: object, some: Sequence[Notification]) -> list[tuple[Notification, str]]:
        published.extend(some)
        return []

    queue = "app.notification_queue.NotificationTopic.publish_many"
    monkeypatch.setattr(queue, take)
    email_id = accepted(project)
    arn = "arn:aws:sns:us-east-1:123456789012:notifications"
    done = run("events", "rebuild", "--from", since(2), "--project", project, "--notify", NOTIFICATIONS_TOPIC_ARN=arn)
    assert done.exit_code == 0
    assert [(one.email_id, one.type) for one in published] == [(email_id, "email.queued")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "yesterday"], "--from: 'yesterday'"),
        (["--from", since(1), "--to", "now"], "--to: 'now'"),
        (["--from", since(30 * 24)], "lies more than 29 days back"),
        (["--from", since(1), "--project", "A#B"], "--project: 'A#B' is not the name of a project"),
        (["--from", since(1), "--notify"], "--notify: NOTIFICATIONS_TOPIC_ARN is not set"),
    ],
)
def test_a_mistake_is_a_sentence(run: Run, arguments: list[str], words: str) -> None:
    done = run("events", "rebuild", *arguments)
    assert done.exit_code == 1
    assert words in done.stderr
