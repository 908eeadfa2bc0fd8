"""The door of the table's stream, over parts built from the environment."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.domain.endpoint import Endpoint
from app.local.invocation import Context
from app.notification_queue import read_message
from app.notify.notification import Notification
from app.store import tables
from app.store.change_items import ChangeItem
from app.store.endpoints import Endpoints
from app.store.head_items import as_raw
from app.wiring.changes import publish_changes
from tests.support.aws import Queue
from tests.support.process import Process
from tests.support.samples import an_email
from tests.support.stream import record
from workers.changes import handler


@pytest.fixture
def notifications(process: Process, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """The queue of notifications of the process whose environment this is, which has no secret."""
    queue = process.aws.queue()
    monkeypatch.setenv("NOTIFICATIONS_TOPIC_ARN", queue.topic.arn)
    monkeypatch.delenv("ADDRESS_SECRET")
    root = logging.getLogger()
    before = list(root.handlers), root.level
    publish_changes.cache_clear()
    publish_changes()
    root.handlers, root.level = before
    yield queue
    publish_changes.cache_clear()


def accepted(process: Process, project: str) -> dict[str, Any]:
    """The record of an email that has been accepted."""
    email_id = process.container.accept(an_email(), project=project, key=None).head.email_id
    head = process.container.read.story(email_id, None).head
    raw = as_raw(replace(head, version=head.version - 1, written_at_ms=0), head.written_at_ms)
    return record(1, process.container.clock(), None, raw)


def published(queue: Queue) -> list[Notification]:
    return [read_message(one["Body"]) for one in queue.records()]


@pytest.mark.usefixtures("notifications")
def test_a_call_is_made_again_so_often_only_that_readers_of_the_feed_need_not_wait_longer() -> None:
    client: Any = ChangeItem._get_connection().connection.client
    assert client.meta.config.retries["total_max_attempts"] == 1 + tables.FEED_RETRIES


def test_a_record_is_told_to_the_endpoint_through_the_topic(process: Process, notifications: Queue) -> None:
    project, clock = f"p{uuid4().hex[:12]}", process.container.clock
    endpoint = Endpoints(clock).put(Endpoint("ep_1", project, "https://hooks.example.com", 0, (0,)))
    assert endpoint is not None
    one = accepted(process, project)
    assert handler({"Records": [one]}, Context("changes", timeout_s=60)) == {"batchItemFailures": []}
    (notification,) = published(notifications)
    assert (notification.endpoint_id, notification.type) == ("ep_1", "email.queued")
    assert notification.email_id == one["dynamodb"]["Keys"]["email_id"]["S"]


def test_without_a_topic_it_tells_the_feed_only(process: Process, notifications: Queue, monkeypatch: Any) -> None:
    monkeypatch.delenv("NOTIFICATIONS_TOPIC_ARN")
    publish_changes.cache_clear()
    assert publish_changes().publish is None
    assert handler({"Records": [accepted(process, "team")]}, Context("changes", timeout_s=60)) == {
        "batchItemFailures": []
    }
    assert published(notifications) == []


def test_what_fails_is_named_and_its_line_has_the_request(
    process: Process, notifications: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    one = accepted(process, "team")
    del one["dynamodb"]["NewImage"]
    context = Context("changes", timeout_s=60)
    answer = handler({"Records": [accepted(process, "team"), one]}, context)
    assert answer == {"batchItemFailures": [{"itemIdentifier": one["dynamodb"]["SequenceNumber"]}]}
    assert published(notifications) == []
    (line,) = [vars(found) for found in caplog.records if found.getMessage() == "record not published"]
    assert line["email_id"] == one["dynamodb"]["Keys"]["email_id"]["S"]
