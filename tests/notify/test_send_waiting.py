"""What waits is published when it is due, and removed when it was published: twice at worst, never not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from app.errors import ServiceUnavailable
from app.notification_queue import NotificationTopic, read_message
from app.notify import send_waiting
from app.notify.notification import Notification
from app.notify.send_waiting import SendWaiting
from app.store.waiting_notifications import WaitingNotifications
from tests.support.aws import Aws
from tests.support.clock import Clock
from tests.support.crash import Before, Crash, crash
from tests.support.deliveries import SHARDS

pytestmark = pytest.mark.usefixtures("store")


@dataclass
class Sent:
    """A queue that refuses what it is told to."""

    refuses: Callable[[Notification], bool] = lambda _: False
    taken: list[Notification] = field(default_factory=list)

    def publish(self, several: Sequence[Notification]) -> list[tuple[Notification, str]]:
        self.taken += [one for one in several if not self.refuses(one)]
        return [(one, "throttled") for one in several if self.refuses(one)]


@pytest.fixture
def clock() -> Clock:
    """Each test's own time, before everything that another test has left waiting."""
    clock = Clock()
    clock.now_s = 1_000_000_000 - next(_times)
    return clock


_times = iter(range(0, 10**8, 1000))


@pytest.fixture
def waiting() -> WaitingNotifications[Notification]:
    return WaitingNotifications(SHARDS, Notification.from_json)


def put(waiting: WaitingNotifications[Notification], clock: Clock, count: int, in_s: float = 0.0) -> list[Notification]:
    several = [
        Notification(f"evt_{uuid4().hex}", "email.sent", "shop", "ep_1", "{}", 0, email_id=f"eml_{n}", tries=4)
        for n in range(count)
    ]
    for one in several:
        waiting.put_all([(one, int((clock() + in_s) * 1000))])
    return several


def by_id(several: Sequence[Notification]) -> list[Notification]:
    return sorted(several, key=lambda one: one.event_id)


def test_what_is_due_of_every_shard_is_published_once(
    waiting: WaitingNotifications[Notification], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send_waiting, "CHUNK", 7)
    due, _ = put(waiting, clock, 60), put(waiting, clock, 3, in_s=1)
    sent = Sent()
    send = SendWaiting(waiting, sent.publish, clock, range(SHARDS))
    assert (send(60), send(60)) == (60, 0)
    assert by_id(sent.taken) == by_id(due)
    clock.advance(1)
    assert send(60) == 3


def test_it_goes_through_the_topic_to_the_queue(
    waiting: WaitingNotifications[Notification], clock: Clock, aws: Aws
) -> None:
    queue = aws.queue(raw=True)
    published = NotificationTopic(lambda: aws.sns, queue.topic.arn)
    due = put(waiting, clock, 12)
    assert SendWaiting(waiting, published.publish_many, clock, range(SHARDS))(60) == 12
    assert by_id([read_message(record["Body"]) for record in queue.records()]) == by_id(due)


def test_what_the_queue_refuses_stays_and_keeps_nothing_else_back(
    waiting: WaitingNotifications[Notification],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(send_waiting, "CHUNK", 4)
    refused, *others = put(waiting, clock, 30)
    sent = Sent(lambda one: one == refused)
    assert SendWaiting(waiting, sent.publish, clock, range(SHARDS))(60) == 29
    assert by_id(sent.taken) == by_id(others)
    assert "waiting notification not sent" in caplog.text
    sent.refuses = lambda _: True
    assert SendWaiting(waiting, sent.publish, clock, range(SHARDS))(60) == 0
    sent.refuses = lambda _: False
    assert SendWaiting(waiting, sent.publish, clock, range(SHARDS))(60) == 1


@pytest.mark.parametrize("where", ["due", "remove", "publish"])
def test_nothing_is_lost_if_the_sweep_dies(
    waiting: WaitingNotifications[Notification], clock: Clock, where: str
) -> None:
    due, sent = put(waiting, clock, 9), Sent()
    store: Any = waiting if where == "publish" else Before(waiting, where, crash)
    with pytest.raises(Crash):
        SendWaiting(store, crash if where == "publish" else sent.publish, clock, range(SHARDS))(60)
    SendWaiting(waiting, sent.publish, clock, range(SHARDS))(60)
    assert {one.event_id for one in sent.taken} == {one.event_id for one in due}
    assert SendWaiting(waiting, sent.publish, clock, range(SHARDS))(60) == 0


def test_a_shard_that_fails_is_told_after_the_others(waiting: WaitingNotifications[Notification], clock: Clock) -> None:
    due, sent = put(waiting, clock, 40), Sent()

    def fail() -> None:
        raise ServiceUnavailable("does not answer")

    store: Any = Before(waiting, "due", fail)
    with pytest.raises(ServiceUnavailable):
        SendWaiting(store, sent.publish, clock, range(SHARDS))(60)
    assert 0 < len(sent.taken) < len(due)


@pytest.mark.parametrize(("shards", "sent_of_300"), [(1, 200), (8, 200), (16, 100)])
def test_it_ends_in_time_and_no_shard_uses_up_that_of_the_others(clock: Clock, shards: int, sent_of_300: int) -> None:
    waiting = WaitingNotifications(1, Notification.from_json)
    put(waiting, clock, 300)
    sent = Sent()

    def slow(several: Sequence[Notification]) -> list[tuple[Notification, str]]:
        clock.advance(10)
        return sent.publish(several)

    send = SendWaiting(waiting, slow, clock, [0, *range(SHARDS, SHARDS + shards - 1)])
    assert (send(-1), send(15)) == (0, sent_of_300)
    assert len(sent.taken) == sent_of_300
