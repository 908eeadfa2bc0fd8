import queue
import threading
from collections.abc import Iterator

import pytest

from app.domain.lane import Lane
from app.local.alarm import Alarm
from app.local.backlog import BULK_EVERY, Backlog
from tests.local.tasks import Job
from tests.support.clock import Clock


@pytest.fixture
def backlog() -> Iterator[Backlog]:
    made = Backlog(Alarm())
    yield made
    made.close()


def test_tasks_are_taken_in_the_order_of_their_coming_and_urgent_ones_first(backlog: Backlog) -> None:
    backlog.put(Job("a"))
    backlog.put(Job("b"))
    backlog.put_first([Job("c"), Job("d")])
    assert [backlog.take() for _ in range(4)] == [Job("c"), Job("d"), Job("a"), Job("b")]


def test_the_same_message_waits_once_but_may_come_again_while_it_is_handled(backlog: Backlog) -> None:
    """What the handler reads may be older than what a message that comes now is about."""
    backlog.put(Job("a"))
    backlog.put(Job("a"))
    backlog.put(Job("a", attempt=2))
    assert backlog.take() == Job("a")
    backlog.put(Job("a"))
    assert [backlog.take(), backlog.take()] == [Job("a", attempt=2), Job("a")]


def test_it_knows_what_waits_or_is_handled(backlog: Backlog) -> None:
    assert not backlog.holds("a")
    backlog.put(Job("a"))
    backlog.put(Job("a", attempt=2))
    assert backlog.holds("a")
    first, second = backlog.take(), backlog.take()
    assert first is not None
    assert second is not None
    backlog.end(first)
    assert backlog.holds("a")
    backlog.end(second)
    assert not backlog.holds("a")


def test_a_task_for_later_comes_when_it_is_released(backlog: Backlog) -> None:
    backlog.put_later(Job("late"), 2_000)
    backlog.put_later(Job("early"), 1_000)
    assert backlog.release(999) == 1_000
    assert not backlog.holds("early")
    assert backlog.release(1_000) == 2_000
    assert backlog.take() == Job("early")
    assert backlog.release(5_000) is None
    assert backlog.take() == Job("late")


def test_whoever_waits_for_a_task_gets_it_or_hears_that_there_is_none(backlog: Backlog) -> None:
    taken: list[object] = []
    threads = [threading.Thread(target=lambda: taken.append(backlog.take())) for _ in range(3)]
    for thread in threads:
        thread.start()
    backlog.put(Job("a"))
    assert backlog.close() in ([], [Job("a")])
    for thread in threads:
        thread.join(60)
    assert len(taken) == 3
    assert backlog.take() is None


def test_what_nobody_took_is_told_at_the_end(backlog: Backlog) -> None:
    backlog.put(Job("b"))
    backlog.put_first([Job("a", has_key=False)])
    backlog.put_later(Job("c"), 1_000)
    assert backlog.close() == [Job("a", has_key=False), Job("b"), Job("c")]


def test_one_can_wait_until_the_urgent_ones_have_begun(backlog: Backlog) -> None:
    backlog.put_first([Job("a")])
    begun: list[bool] = []
    thread = threading.Thread(target=lambda: begun.append(backlog.wait_until_begun()))
    thread.start()
    assert begun == []
    backlog.take()
    thread.join(60)
    assert begun == [True]
    backlog.put_first([Job("b")])
    backlog.close()
    assert not backlog.wait_until_begun()


def test_the_alarm_ends_at_the_earliest_time_that_is_set() -> None:
    clock = Clock()
    alarm = Alarm(clock)
    alarm.set(clock.now_ms + 3_600_000)
    ended = threading.Event()

    def sleep() -> None:
        alarm.wait(60)
        ended.set()

    thread = threading.Thread(target=sleep)
    thread.start()
    alarm.set(clock.now_ms + 1_800_000)
    assert not ended.is_set()
    alarm.set(clock.now_ms)
    thread.join(60)
    assert ended.is_set()


def test_the_alarm_ends_by_itself_also_if_the_clock_is_set_back() -> None:
    clock = Clock()
    alarm = Alarm(clock)
    alarm.set(clock.now_ms + 10)
    clock.advance(-3600)
    alarm.wait(0.01)


def test_urgent_tasks_pass_all_that_wait_and_bulk_comes_last(backlog: Backlog) -> None:
    for number in range(3):
        for lane in (Lane.BULK, Lane.NORMAL, Lane.URGENT):
            backlog.put(Job(f"{lane} {number}", lane=lane))
    taken = [backlog.take() for _ in range(9)]
    assert [task.lane for task in taken if task] == [Lane.URGENT] * 3 + [Lane.NORMAL] * 3 + [Lane.BULK] * 3
    assert [task.email_id for task in taken if task][:3] == ["urgent 0", "urgent 1", "urgent 2"]


def test_an_urgent_task_comes_before_what_the_queue_has_left(backlog: Backlog) -> None:
    backlog.put_first([Job("left", lane=Lane.BULK)])
    backlog.put(Job("new", lane=Lane.URGENT))
    assert [backlog.take(), backlog.take()] == [Job("new", lane=Lane.URGENT), Job("left", lane=Lane.BULK)]


def test_one_task_in_ten_is_of_bulk_while_normal_ones_wait(backlog: Backlog) -> None:
    for number in range(40):
        backlog.put(Job(f"normal {number}"))
        backlog.put(Job(f"bulk {number}", lane=Lane.BULK))
    lanes = [task.lane for task in (backlog.take() for _ in range(40)) if task]
    assert lanes.count(Lane.BULK) == 40 / BULK_EVERY


def test_urgent_tasks_never_take_the_turn_of_bulk(backlog: Backlog) -> None:
    for number in range(60):
        backlog.put(Job(f"normal {number}"))
    backlog.put(Job("bulk", lane=Lane.BULK))
    lanes = []
    for number in range(BULK_EVERY * 3):
        if number % BULK_EVERY == BULK_EVERY - 1:
            backlog.put(Job(f"urgent {number}", lane=Lane.URGENT))
        task = backlog.take()
        lanes.append(task.lane if task else None)
    assert Lane.BULK in lanes


def test_a_thread_for_urgent_tasks_takes_no_other_and_ends_with_the_backlog(backlog: Backlog) -> None:
    backlog.put(Job("a"))
    backlog.put(Job("b", lane=Lane.URGENT))
    assert backlog.take_urgent() == Job("b", lane=Lane.URGENT)
    taken: queue.Queue[object] = queue.Queue()

    def take() -> None:
        for _ in range(2):
            taken.put(backlog.take_urgent())

    thread = threading.Thread(target=take)
    thread.start()
    backlog.put(Job("c", lane=Lane.URGENT))
    assert taken.get(timeout=60) == Job("c", lane=Lane.URGENT)
    assert backlog.close() == [Job("a")]
    assert taken.get(timeout=60) is None
    thread.join(60)
