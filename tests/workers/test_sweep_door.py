"""The clock's door."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from app.local.invocation import Context
from app.notification_queue import read_message
from app.notify.notification import Notification
from app.store.waiting_notifications import WaitingNotifications
from app.wiring.sweep import sweep
from tests.support.process import Process
from tests.support.samples import an_email
from workers.sweep import handler

SCHEDULE = json.loads((Path(__file__).parent / "events" / "schedule.json").read_text())


def test_it_publishes_what_is_due_and_says_how_many(process: Process) -> None:
    container = process.container
    email_id = container.accept(an_email(), project="team", key=None).head.email_id
    assert process.queue.published() == [(email_id, 1)]
    assert handler(SCHEDULE, Context("sweep", timeout_s=60)) == {"due": 0}
    head = container.read.story(email_id, None).head
    assert container.cancel.heads.update(head, head.created_at_ms - 60_000)  # written a minute ago, never claimed
    assert handler(SCHEDULE, Context("sweep", timeout_s=60)) == {"due": 1}
    assert process.queue.published() == [(email_id, 1)]


@pytest.mark.parametrize("path", ["/production", None])
def test_it_looks_whether_the_api_answers_where_it_knows_its_address(
    process: Process, monkeypatch: pytest.MonkeyPatch, path: str | None
) -> None:
    if path is not None:
        monkeypatch.setenv("API_URL", process.providers.url + path)
    sweep.cache_clear()
    handler(SCHEDULE, Context("sweep", timeout_s=60))
    assert [called for called, _ in process.providers.calls] == ([f"{path}/health"] if path else [])
    sweep.cache_clear()


@pytest.mark.parametrize("is_deployed_with_a_topic", [True, False])
def test_it_publishes_the_notifications_that_waited_long_enough(
    process: Process, monkeypatch: pytest.MonkeyPatch, is_deployed_with_a_topic: bool
) -> None:
    notifications = process.aws.queue(raw=True)
    if is_deployed_with_a_topic:
        monkeypatch.setenv("NOTIFICATIONS_TOPIC_ARN", notifications.topic.arn)
    sweep.cache_clear()
    one = Notification(f"evt_{uuid4().hex}", "email.sent", "shop", "ep_1", "{}", 0, email_id="eml_1", tries=4)
    waiting = WaitingNotifications(process.container.settings.shards, Notification.from_json)
    waiting.put_all([(one, int(process.container.clock() * 1000))])
    handler(SCHEDULE, Context("sweep", timeout_s=60))
    published = [read_message(record["Body"]) for record in notifications.records()]
    assert published == ([one] if is_deployed_with_a_topic else [])
    sweep.cache_clear()
