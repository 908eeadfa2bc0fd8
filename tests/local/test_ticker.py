"""The worker's clock: who is due is published soon, and nobody asks the store meanwhile."""

import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from app.delivery.new_head import new_id
from app.domain.email import OnUncertain
from app.domain.head import Head, Status
from app.domain.health import pause
from app.domain.kinds import Cause
from app.domain.wake import SPREAD_OVER_MS
from app.local import ticker
from app.local.alarm import Alarm
from app.local.backlog import Backlog
from app.local.dues import Dues, NotingHeads
from app.local.ticker import Ticker
from tests.local.tasks import Job
from tests.support.aws import Aws
from tests.support.crash import Crash, crash
from tests.support.harness import LEASE_S, UNCERTAIN_WAIT_S, Harness
from tests.support.logged import reasons
from tests.support.outcomes import UNAVAILABLE, UNCERTAIN
from tests.support.publishing import one_by_one
from tests.support.samples import an_email

Eventually = Callable[..., None]
HOUR_S = 3600


class WorkersHeads(NotingHeads):
    """The heads of the worker. They count the questions to the index by time, and fail if they shall."""

    asked = 0
    fails = False

    def due(self, *arguments: Any, **named: Any) -> Any:
        self.asked += 1
        return super().due(*arguments, **named)

    def get_many(self, email_ids: list[str]) -> list[Head]:
        if self.fails:
            raise RuntimeError("no table")
        return super().get_many(email_ids)


class Laptop:
    """A harness whose worker is the ticker's; `published` is what the ticker has published of the harness's emails."""

    def __init__(self, store: Aws, *providers: str) -> None:
        self.harness = Harness(store, providers=providers or ("sendgrid", "mailgun"))
        self.alarm = Alarm(self.harness.clock)
        self.dues, self.backlog = Dues(self.alarm), Backlog(self.alarm)
        self.heads = WorkersHeads(self.dues.note)
        self.published: list[tuple[str, int]] = []
        self.harness.build(heads=NotingHeads(self.dues.note))

    @contextmanager
    def ticking(self) -> Iterator[None]:
        parts = self.harness.another_process(heads=self.heads)
        parts = replace(parts, sweep=replace(parts.sweep, publish_many=one_by_one(self._publish)))
        stop = threading.Event()
        running = Ticker(parts, self.dues, self.backlog, self.alarm, self.harness.clock)
        thread = threading.Thread(target=running.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _publish(self, email_id: str, attempt: int) -> None:
        if email_id in self.harness.taken:
            self.published.append((email_id, attempt))


@pytest.fixture
def laptop(store: Aws) -> Laptop:
    return Laptop(store)


@pytest.fixture
def started(laptop: Laptop, eventually: Eventually, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laptop]:
    """A laptop whose ticker runs, has looked at everything that there was, and does not sweep by itself again."""
    monkeypatch.setattr(ticker, "SWEEP_EVERY_S", 3600)
    with laptop.ticking():
        eventually(lambda: laptop.heads.asked > 0)
        first = laptop.harness.take(an_email())
        laptop.harness.clock.advance(10)
        eventually(lambda: (first, 1) in laptop.published)
        laptop.harness.work()
        laptop.published.clear()
        yield laptop


def test_at_the_start_what_is_due_and_what_could_be_due_is_published(laptop: Laptop, eventually: Eventually) -> None:
    """What an earlier worker held in memory is lost with it."""
    lost = laptop.harness.take(an_email())
    laptop.harness.clock.advance(20)
    fresh = laptop.harness.take(an_email())
    with laptop.ticking():
        eventually(lambda: {(lost, 1), (fresh, 1)} <= set(laptop.published))


def test_an_email_is_published_when_it_is_due_without_a_question_before(
    started: Laptop, eventually: Eventually
) -> None:
    asked = started.heads.asked
    started.harness.send.plan("sendgrid", replace(UNCERTAIN, cause=Cause.UNKNOWN))
    email_id = started.harness.take(an_email())
    started.harness.work()
    assert started.harness.only(email_id).status is Status.SENDING
    started.harness.clock.advance(UNCERTAIN_WAIT_S)
    eventually(lambda: started.published == [(email_id, 2)])
    assert started.heads.asked == asked


def test_a_scheduled_email_is_published_at_its_time_and_not_before(started: Laptop, eventually: Eventually) -> None:
    harness, asked = started.harness, started.heads.asked
    email_id = harness.take(an_email(send_at_ms=harness.clock.now_ms + HOUR_S * 1000))
    moved = harness.take(an_email(send_at_ms=harness.clock.now_ms + 9 * HOUR_S * 1000))
    harness.reschedule(moved, "team", harness.clock.now_ms + 2 * HOUR_S * 1000)
    harness.clock.advance(HOUR_S)
    eventually(lambda: started.published == [(email_id, 1)])
    harness.clock.advance(HOUR_S)
    eventually(lambda: (moved, 1) in started.published)
    assert started.heads.asked == asked


def test_an_attempt_whose_worker_died_is_published_when_its_lease_ends(started: Laptop, eventually: Eventually) -> None:
    def die(_: object) -> Any:
        raise SystemExit

    started.harness.send.plan("sendgrid", die)
    email_id = started.harness.take(an_email())
    with pytest.raises(SystemExit):
        started.harness.work()
    started.harness.clock.advance(LEASE_S)
    eventually(lambda: started.published == [(email_id, 2)])


def test_a_worker_that_starts_later_knows_when_the_lease_of_a_dead_one_ends(
    laptop: Laptop, eventually: Eventually
) -> None:
    """Whose entry is early: it is due by the index, and not by its head."""
    laptop.harness.send.plan("sendgrid", crash)
    email_id = laptop.harness.take(an_email(on_uncertain=OnUncertain.FAILOVER))
    with pytest.raises(Crash):
        laptop.harness.work()
    laptop.harness.clock.advance(LEASE_S - 10)
    laptop.dues.take(laptop.harness.clock.now_ms + HOUR_S * 1000)  # what the dead one knew
    with laptop.ticking():
        eventually(lambda: laptop.dues.next_ms() is not None)
        asked = laptop.heads.asked
        laptop.harness.clock.advance(10)
        eventually(lambda: laptop.published == [(email_id, 2)])
        assert laptop.heads.asked == asked
    laptop.harness.attempt(email_id, 2)  # nothing of it is left in the tables, which other tests share
    assert laptop.harness.only(email_id).status is Status.SENT


def test_what_waits_here_for_its_turn_is_not_published_again(started: Laptop, eventually: Eventually) -> None:
    email_id = started.harness.take(an_email())
    task = Job(email_id)
    started.backlog.put(task)
    due_ms = started.dues.next_ms()
    started.harness.clock.advance(10)
    eventually(lambda: started.dues.next_ms() == (due_ms or 0) + ticker.AGAIN_AFTER_MS)
    assert started.published == []
    assert started.backlog.take() is task
    started.backlog.end(task)
    started.harness.clock.advance(10)
    eventually(lambda: started.published == [(email_id, 1)])


def test_an_email_that_is_gone_is_forgotten(started: Laptop, eventually: Eventually) -> None:
    started.dues.note("eml_gone", 3, started.harness.clock.now_ms)
    eventually(lambda: (started.dues.next_ms() or HOUR_S**9) > started.harness.clock.now_ms)
    assert "eml_gone" not in started.dues.take(HOUR_S**9)


def test_it_sweeps_at_times_whatever_was_noted(
    laptop: Laptop, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker, "SWEEP_EVERY_S", 0.5)
    with laptop.ticking():
        laptop.harness.build()  # another worker, which notes nothing here
        email_id = laptop.harness.take(an_email())
        laptop.harness.clock.advance(10)
        eventually(lambda: (email_id, 1) in laptop.published)


def test_emails_that_wait_for_a_provider_that_is_resumed_go_on(
    started: Laptop, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker, "LOOK_EVERY_S", 0.5)
    for provider in ("sendgrid", "mailgun"):
        started.harness.another_monitor().update(provider, pause)
    # Its id says when within a minute it is woken: others would be woken later than their own wait ends.
    early = next(one for _ in count() if zlib.crc32((one := new_id()).encode()) % SPREAD_OVER_MS < 10_000)
    started.harness.accept = replace(started.harness.accept, new_id=lambda: early)
    email_id = started.harness.take(an_email())
    started.harness.clock.advance(5)
    started.harness.work()
    wait_ms = started.harness.only(email_id).wait_until_ms
    assert wait_ms is not None
    started.harness.resume("sendgrid")
    started.harness.clock.advance(5)
    eventually(lambda: (started.harness.only(email_id).wait_until_ms or 0) < wait_ms)


def test_a_store_that_fails_ends_nothing(
    started: Laptop, eventually: Eventually, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker, "SWEEP_EVERY_S", 0.5)
    started.heads.fails = True
    email_id = started.harness.take(an_email())
    started.harness.clock.advance(10)
    eventually(lambda: "RuntimeError" in reasons(caplog, "The sweep failed"))
    started.heads.fails = False
    eventually(lambda: (email_id, 1) in started.published)


def test_a_clock_that_is_set_back_brings_forward_what_waits(started: Laptop, eventually: Eventually) -> None:
    harness = started.harness
    for provider in ("sendgrid", "mailgun"):
        harness.send.plan(provider, UNAVAILABLE)
    waiting = harness.take(an_email())
    harness.work()
    wait_ms = harness.only(waiting).wait_until_ms
    assert wait_ms is not None
    left_ms = wait_ms - harness.clock.now_ms
    ready = harness.take(an_email())
    harness.published()  # and its message is lost
    again = Job("eml_again")
    started.backlog.put_later(again, harness.clock.now_ms + 1_000)
    harness.clock.advance(-HOUR_S)
    eventually(lambda: (ready, 1) in started.published)
    eventually(lambda: harness.only(waiting).wait_until_ms != wait_ms)
    assert left_ms - 2_000 <= (harness.only(waiting).wait_until_ms or 0) - harness.clock.now_ms <= left_ms
    assert started.backlog.take() is again
    harness.clock.advance(left_ms / 1000)
    eventually(lambda: (waiting, 3) in started.published)
