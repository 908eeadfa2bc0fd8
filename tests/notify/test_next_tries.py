"""Where a notification waits for its next try, and what is done with what one of the two places does not take."""

import logging
from collections.abc import Sequence
from threading import Barrier
from typing import Any

import pytest

from app.errors import ServiceUnavailable
from app.notification_queue import MOST_BYTES, NotificationDelay
from app.notify.next_tries import NextTries
from app.notify.notification import Notification
from tests.support.aws import Aws
from tests.support.clock import Clock
from tests.support.deliveries import Deliveries

Due = Sequence[tuple[Notification, int]]


class Places:
    """A queue and a table. Those in `refusing` they do not take."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.queued: list[tuple[str, int]] = []
        self.stored: dict[str, int] = {}
        self.refusing: set[str] = set()
        self.calls: list[int] = []

    def publish_later(self, delayed: Sequence[tuple[Notification, int]]) -> list[tuple[int, str]]:
        self.calls.append(len(delayed))
        refused = [(place, "Throttled") for place, (one, _) in enumerate(delayed) if one.event_id in self.refusing]
        self.queued += [(one.event_id, delay_s) for one, delay_s in delayed if one.event_id not in self.refusing]
        return refused

    def put_all(self, due: Due) -> None:
        """As a batch of DynamoDB: some of it may be stored, though it fails."""
        self.calls.append(-len(due))
        for one, due_ms in due:
            if f"stored {one.event_id}" in self.refusing:
                raise ServiceUnavailable("the table does not answer")
            self.stored[one.event_id] = due_ms

    def due(self, shard: int, now_ms: int, limit: int) -> Sequence[tuple[str, Notification]]:
        raise NotImplementedError

    def remove(self, shard: int, keys: Sequence[str]) -> None:
        raise NotImplementedError

    def keep(self, **after_ms: int) -> list[bool]:
        due = [(named(name), self.clock.now_ms + ms) for name, ms in after_ms.items()]
        return NextTries(self.publish_later, self, self.clock).keep(due)


def named(name: str, **fields: Any) -> Notification:
    known = {"type": "email.sent", "project": "shop", "endpoint_id": "ep_1", "body": "{}", "published_ms": 1}
    return Notification(name, **{**known, **fields})


def test_what_comes_soon_is_queued_and_the_rest_is_stored_by_one_call_each() -> None:
    places = Places()
    assert places.keep(a=5000, b=900_001, c=900_000, d=-50, e=10_000_000, f=4001) == [True] * 6
    assert places.queued == [("a", 5), ("c", 900), ("d", 0), ("f", 5)]
    assert places.stored == {"b": places.clock.now_ms + 900_001, "e": places.clock.now_ms + 10_000_000}
    assert places.calls == [4, -2]


def test_of_nothing_nobody_is_asked() -> None:
    places = Places()
    assert places.keep() == []
    assert places.calls == []


def test_what_the_queue_refuses_is_stored_and_said(caplog: pytest.LogCaptureFixture) -> None:
    places = Places()
    places.refusing = {"b"}
    assert places.keep(a=5000, b=6000, c=2_000_000) == [True] * 3
    assert places.queued == [("a", 5)]
    assert places.stored == {"b": places.clock.now_ms + 6000, "c": places.clock.now_ms + 2_000_000}
    (line,) = map(vars, caplog.records)
    assert (line["message"], line["event_id"], line["reason"]) == ("notification not delayed", "b", "Throttled")


def test_one_that_cannot_be_stored_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    places = Places()
    places.refusing = {"b", "stored b", "stored d"}
    assert places.keep(a=5000, b=6000, c=2_000_000, d=2_000_000, e=2_000_000) == [True, False, True, False, True]
    assert set(places.stored) == {"c", "e"}
    failed = [vars(record)["event_id"] for record in caplog.records if record.levelno == logging.ERROR]
    assert failed == ["b", "d"]


def test_those_of_a_batch_that_failed_do_not_wait_for_each_other() -> None:
    places, together = Places(), Barrier(3, timeout=60)

    def put_all(due: Due) -> None:
        if len(due) > 1:
            raise ServiceUnavailable("the table does not answer")
        together.wait()

    places.put_all = put_all  # type: ignore[method-assign]
    assert places.keep(a=2_000_000, b=2_000_000, c=2_000_000) == [True] * 3


# --- The queue ----------------------------------------------------------------------------------------------------


def test_more_than_a_batch_holds_is_queued(aws: Aws) -> None:
    queue = aws.queue(raw=True)
    several = [(named(f"evt_{number}", body="x" * (MOST_BYTES // 4)), 0) for number in range(12)]
    assert NotificationDelay(lambda: aws.sqs, queue.url).delay_all(several) == []
    bodies = [record["Body"] for record in queue.records()]
    received = {Notification.from_json(body).event_id for body in bodies}
    assert received == {one.event_id for one, _ in several}


def test_what_sqs_does_not_take_is_named_by_its_place() -> None:
    class Refusing:
        """SQS, which takes none whose body says so, and answers a batch that has `lost` with nothing."""

        def send_message_batch(self, **arguments: Any) -> dict[str, Any]:
            assert arguments["QueueUrl"] == "url"
            entries = arguments["Entries"]
            if any("lost" in entry["MessageBody"] for entry in entries):
                raise TimeoutError
            ill = [entry["Id"] for entry in entries if "refused" in entry["MessageBody"]]
            return {
                "Successful": [{"Id": entry["Id"]} for entry in entries if entry["Id"] not in ill],
                "Failed": [{"Id": name, "Code": "Throttled"} for name in ill],
            }

    bodies = [*["well"] * 11, "refused", *["well"] * 9, "lost"]
    several = [(named(f"evt_{number}", body=body), 5) for number, body in enumerate(bodies)]
    assert NotificationDelay(Refusing, "url").delay_all(several) == [
        (11, "it is not taken: Throttled"),
        *((place, "the queue takes no notifications: TimeoutError") for place in (20, 21)),
    ]


# --- A run of the worker ------------------------------------------------------------------------------------------


def test_what_is_held_back_is_kept_by_one_call(store: Aws) -> None:
    assert store
    calls: list[int] = []
    parts = Deliveries(timeout_s=4)  # a machine that pauses is no receiver that does not answer

    def publish_later(delayed: Sequence[tuple[Notification, int]]) -> list[tuple[int, str]]:
        calls.append(len(delayed))
        return []

    parts.restart(publish_later=publish_later)
    try:
        now_ms = parts.clock.now_ms
        failing = {"failing_since_ms": now_ms - 60_000, "probed_at_ms": now_ms - 20_000}
        endpoint = parts.endpoint("http://127.0.0.1:9/", **failing)  # nothing listens there, and nothing is called
        several = [parts.notification(endpoint) for _ in range(10)]
        assert parts.deliver(several, 60) == [True] * 10
        assert calls == [10]
        assert {tried.fault for tried in parts.tries(endpoint.id)} == {"held back: the receiver does not take others"}
    finally:
        parts.deliver.close()
