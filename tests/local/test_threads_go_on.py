"""A thread of the worker outlives whatever goes wrong with one message or one answer."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from app.domain.lane import Lane
from app.local import queue_poller
from app.local.alarm import Alarm
from app.local.backlog import Backlog
from app.local.invocation import LambdaEvent
from app.local.runner import CONCURRENCY, Runner
from tests.local.tasks import Job
from tests.support.logged import reasons

Eventually = Callable[..., None]


@dataclass(frozen=True)
class Broken(Job):
    """A task that cannot be settled."""

    def settle(self, *, is_done: bool) -> None:
        raise KeyError(is_done)


@dataclass(frozen=True)
class Shapeless(Job):
    """A task of which no event can be made."""

    def event(self) -> LambdaEvent:
        raise RecursionError


@pytest.mark.parametrize("bad", [Broken, Shapeless])
def test_a_task_that_fails_ends_no_thread(
    bad: Callable[[str], Job], eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    backlog = Backlog(Alarm())
    runner = Runner(backlog, lambda *_: None, 20)
    runner.start()
    try:
        for number in range(CONCURRENCY + 1):
            backlog.put(bad(f"bad {number}"))
        good = Job("good")
        backlog.put(good)
        eventually(lambda: good.settled == [True])
        eventually(lambda: not any(backlog.holds(f"bad {number}") for number in range(CONCURRENCY + 1)))
    finally:
        backlog.close()
        runner.join()
    assert caplog.text.count("A message could not be settled") == CONCURRENCY + 1


@pytest.mark.parametrize("answer", [{"batchItemFailures": [{}]}, {"batchItemFailures": 5}, [1]])
def test_an_answer_of_the_handler_that_is_none_is_a_failure(answer: Any, eventually: Eventually) -> None:
    backlog = Backlog(Alarm())
    runner = Runner(backlog, lambda *_: answer, 20)
    runner.start()
    try:
        job = Job("eml_1")
        backlog.put(job)
        eventually(lambda: job.settled == [False])
    finally:
        backlog.close()
        runner.join()


def test_an_urgent_email_is_handled_while_a_slow_provider_holds_all_other_threads(eventually: Eventually) -> None:
    backlog, free, begun = Backlog(Alarm()), threading.Event(), list[str]()

    def handle(event: LambdaEvent, _: object) -> None:
        email_id = event["Records"][0]["messageId"]
        begun.append(email_id)
        if email_id.startswith("bulk"):
            free.wait(110)

    runner = Runner(backlog, handle, 20)
    runner.start()
    try:
        for number in range(2 * CONCURRENCY):
            backlog.put(Job(f"bulk {number}", lane=Lane.BULK))
        eventually(lambda: len(begun) == CONCURRENCY)
        urgent = Job("urgent", lane=Lane.URGENT)
        backlog.put(urgent)
        eventually(lambda: urgent.settled == [True])
        assert len(begun) == CONCURRENCY + 1
    finally:
        free.set()
        backlog.close()
        runner.join()


def test_an_answer_of_the_queue_that_cannot_be_read_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    stop, backlog = threading.Event(), Backlog(Alarm())

    class Strange:
        def receive(self) -> Any:
            stop.set()
            raise KeyError("Messages")

    queue: Any = Strange()
    queue_poller.poll(queue, backlog, stop, 0.01)  # returns
    assert reasons(caplog, "The queue gave an answer that cannot be read") == ["KeyError"]
