"""How messages come to the worker of this machine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from app.domain.lane import Lane
from app.local import worker
from app.local.alarm import Alarm
from app.local.backlog import Backlog
from app.local.dues import Dues
from app.local.environment import deployed
from app.local.hand_over import Listener
from app.local.provision import provision
from app.local.queue_poller import LocalQueue
from app.local.runner import Handed
from app.local.wiring import HandOver, Intake, socket_path
from app.wiring.stores import Queue
from tests.support.aws import Aws
from tests.support.harness import Harness
from tests.support.samples import an_email

Env = dict[str, str]
Eventually = Callable[..., None]


@pytest.fixture
def dues() -> Dues:
    return Dues(Alarm())


@pytest.fixture
def intake(env: Env, aws: Aws, dues: Dues) -> Iterator[Intake]:
    made = {**deployed(env), "AWS_ENDPOINT_URL": aws.endpoint_url, "AWS_ACCESS_KEY_ID": "700000000100"}
    provision({**made, "CONTENT_BUCKET": "content-700000000100"})
    backlog = Backlog(Alarm())
    yield Intake(backlog, dues, LocalQueue(made))
    backlog.close()


def asked(intake: Intake) -> tuple[str, int]:
    task = intake.backlog.take()
    assert isinstance(task, Handed)
    intake.backlog.end(task)
    return task.key


def over_sns(harness: Harness) -> Queue:
    topic = harness.queue.topic
    return Queue(topic.publish, topic.publish_many, lambda *_: None)


def test_an_accepted_email_is_handed_to_the_worker_and_is_not_in_the_queue(
    env: Env, store: Aws, intake: Intake, dues: Dues, eventually: Eventually
) -> None:
    harness = Harness(store)
    handing = HandOver(env)
    stores, queue = handing.rewire(harness.stores, over_sns(harness))
    harness.build(heads=stores.heads, collapses=stores.collapses)
    harness.accept = replace(harness.accept, publish=queue.publish)
    with closing(Listener(socket_path(env), intake.take)), closing(handing):
        email_id = harness.take(an_email())
        assert asked(intake) == (email_id, 1)
        eventually(lambda: dues.next_ms() is not None)
    assert dues.take(harness.clock.now_ms + 10_000) == [email_id]
    assert harness.published() == []


def test_without_a_worker_it_is_published_as_on_aws(env: Env, store: Aws) -> None:
    harness = Harness(store)
    _, queue = HandOver(env).rewire(harness.stores, over_sns(harness))
    queue.publish("eml_1", 2, Lane.NORMAL)
    assert queue.publish_many([("eml_2", 1, Lane.BULK), ("eml_3", 4, Lane.URGENT)]) == []
    assert harness.queue.published() == [("eml_1", 2), ("eml_3", 4), ("eml_2", 1)]


def test_many_are_handed_over_together(env: Env, store: Aws, intake: Intake) -> None:
    harness, handing = Harness(store), HandOver(env)
    _, queue = handing.rewire(harness.stores, over_sns(harness))
    many = [(f"eml_{number}", number, Lane.NORMAL) for number in range(1, 501)]
    with closing(Listener(socket_path(env), intake.take)), closing(handing):
        assert queue.publish_many(many) == ()
        assert [asked(intake) for _ in many] == [one[:2] for one in many]
    assert harness.published() == []


def test_what_the_worker_publishes_stays_with_it(store: Aws, intake: Intake) -> None:
    harness = Harness(store)
    stores, queue = intake.rewire(harness.stores, over_sns(harness))
    queue.publish("eml_1", 2, Lane.NORMAL)
    queue.publish_later("eml_2", 1, 5_000, Lane.NORMAL)
    assert queue.publish_many([("eml_3", 1, Lane.NORMAL)]) == ()
    assert [asked(intake), asked(intake)] == [("eml_1", 2), ("eml_3", 1)]
    assert intake.backlog.release(4_999) == 5_000
    intake.backlog.release(5_000)
    assert asked(intake) == ("eml_2", 1)
    harness.build(heads=stores.heads)
    email_id = harness.take(an_email())
    assert intake.dues.take(harness.clock.now_ms + 10_000) == [email_id]


def test_a_line_that_is_none_is_refused(intake: Intake) -> None:
    for line in ([], ["attempt"], ["attempt", "eml_1"], ["due", 1], ["attempt", "eml_1", "x"]):
        with pytest.raises((TypeError, ValueError)):
            intake.take(line)
    intake.take(["of another version"])


def test_what_was_not_begun_is_in_the_queue_when_the_worker_ends(intake: Intake) -> None:
    intake.publish("eml_1", 2, Lane.NORMAL)
    intake.publish_later("eml_2", 3, 10**15, Lane.BULK)
    intake.leave(intake.backlog.close(), within_s=30)
    found = intake.queue.receive()
    assert found is not None
    assert len(found) == 2
    intake.leave(list(found), within_s=30)  # what came from the queue stays there, and is visible again after a while
    again: list[object] = []
    pause = threading.Event()
    while len(again) < 2:
        again += intake.queue.receive() or []
        pause.wait(0.1)


def test_a_socket_that_cannot_be_made_leaves_the_queue(intake: Intake, caplog: pytest.LogCaptureFixture) -> None:
    assert worker.listen({"DATA_DIR": "/proc/nowhere"}, intake) is None
    assert "messages come through the queue" in caplog.text
