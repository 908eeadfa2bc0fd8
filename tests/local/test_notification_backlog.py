"""The backlog of notifications on a laptop: what comes for one that fails is gathered, and nobody else waits."""

import threading
from collections.abc import Callable, Iterator
from time import monotonic

import pytest

from app.local import notification_backlog
from app.local.notification_backlog import BATCH, GATHER_S, Batch, NotificationBacklog, Waiting
from tests.local.posting import Parts, one
from tests.support.clock import Clock

Eventually = Callable[..., None]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backlog(clock: Clock) -> Iterator[NotificationBacklog]:
    backlog = NotificationBacklog(clock)
    yield backlog
    backlog.close()


def put(backlog: NotificationBacklog, *names: str, endpoint: str = "failing") -> None:
    for name in names:
        assert backlog.put(Waiting(one(name, endpoint), lambda _: None))


def take(backlog: NotificationBacklog) -> Batch:
    batch = backlog.take()
    assert batch is not None
    return batch


def names_of(batch: Batch) -> list[str]:
    return [waiting.notification.event_id for waiting in batch.some]


def fail(backlog: NotificationBacklog) -> None:
    """Let a batch end of which something comes again later."""
    put(backlog, "first")
    batch = take(backlog)
    backlog.put_off(batch.receiver)
    backlog.end(batch)


def test_what_comes_for_one_that_has_put_something_off_is_taken_together(
    backlog: NotificationBacklog, clock: Clock
) -> None:
    fail(backlog)
    put(backlog, "a")
    clock.advance(GATHER_S - 0.1)
    put(backlog, "b")
    put(backlog, "w", endpoint="well")
    assert names_of(take(backlog)) == ["w"], "nobody else waits"
    clock.advance(0.1)
    gathered = take(backlog)
    assert names_of(gathered) == ["a", "b"]
    backlog.end(gathered)
    put(backlog, "c")
    assert names_of(take(backlog)) == ["c"], "nothing of it was put off, so that it is well again"


def test_a_whole_batch_is_taken_at_once(backlog: NotificationBacklog) -> None:
    fail(backlog)
    put(backlog, *(f"{number:03d}" for number in range(BATCH)))
    assert len(take(backlog).some) == BATCH


def test_what_is_gathered_is_taken_though_the_thread_that_waits_for_it_takes_another() -> None:
    backlog, taken = NotificationBacklog(), list[tuple[str, float]]()

    def run() -> None:
        while (batch := backlog.take()) is not None:
            taken.append((batch.receiver[1], monotonic()))
            if batch.receiver[1] == "well":
                go.wait(30)
            backlog.end(batch)

    fail(backlog)
    go, began_s = threading.Event(), monotonic()
    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    put(backlog, "a")
    put(backlog, "w", endpoint="well")
    try:
        for _ in range(3000):
            if len(taken) == 2:
                break
            threading.Event().wait(0.01)
        assert [name for name, _ in taken] == ["well", "failing"]
        assert taken[1][1] - began_s > GATHER_S / 2
    finally:
        go.set()
        backlog.close()
        for thread in threads:
            thread.join()


def test_what_is_stored_for_its_next_try_lets_the_next_ones_be_gathered(
    parts: Parts, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification_backlog, "GATHER_S", 1000.0)
    parts.it.publish([one("first", "ill")])
    eventually(lambda: parts.open == 0)
    parts.it.publish([one("000", "ill")])
    parts.it.publish([one("w", "well")])
    eventually(lambda: parts.open == 1)
    assert parts.posted.names == ["first", "w"]
    for number in range(1, BATCH):
        parts.it.publish([one(f"{number:03d}", "ill")])
    eventually(lambda: parts.open == 0)
    assert parts.posted.sizes == [1, 1, BATCH]
    assert len(parts.waiting()) == 1 + BATCH
