"""What an attempt writes about providers comes after what it writes about the email, and costs nothing per email."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from app.delivery.monitor import FLUSH_EVERY_S, Monitor
from app.delivery.survey import Surveyor
from app.domain.head import Status
from app.domain.health import Sums
from app.domain.kinds import Kind
from app.errors import Unavailable
from tests.support.calls import Seen
from tests.support.crash import Before, Crash, crash
from tests.support.desk import PROVIDERS, Desk
from tests.support.outcomes import ACCOUNT, UNAVAILABLE
from tests.support.samples import an_email


def with_health(desk: Desk, store: object) -> None:
    """Let the desk's attempts, webhooks and sweeps see the providers' health through this store."""
    desk.monitor = Monitor(store, PROVIDERS, desk.clock)  # type: ignore[arg-type] # because these stand before the real store
    survey = Surveyor(desk.monitor, desk.routing, desk.suppressions, desk.collapses, desk.clock)
    desk.attempt = replace(desk.attempt, monitor=desk.monitor, survey=survey)
    desk.record = replace(desk.record, monitor=desk.monitor)
    desk.sweep = replace(desk.sweep, monitor=desk.monitor)


def failing() -> None:
    raise Unavailable("the table is throttled")


def test_good_emails_cost_no_write_of_health_each(desk: Desk) -> None:
    seen = Seen(desk.healths)
    with_health(desk, seen)
    desk.take(an_email())
    desk.work()  # a process writes its first count at once
    seen.names.clear()
    for _ in range(30):
        email_id = desk.take(an_email())
        desk.work()
        desk.report(desk.event(email_id, Kind.DELIVERED))
    assert seen.times("update", "add_minute", "add_day", "reserve_second", "get") == 0
    assert seen.times("get_many") == 0
    desk.clock.advance(FLUSH_EVERY_S)
    desk.take(an_email())
    desk.work()
    assert seen.times("add_minute") <= 2  # one a minute that is counted for
    minute = desk.clock.now_ms // 60_000
    assert desk.healths.minutes("sendgrid", 0, minute - 1, minute) == Sums(accepted=32, heard=30)


def test_a_flush_that_fails_comes_after_the_outcome_and_the_next_attempt_are_safe(desk: Desk) -> None:
    with_health(desk, Before(desk.healths, "add_minute", failing))
    desk.post.plan("sendgrid", UNAVAILABLE)
    email_id = desk.take(an_email())
    desk.queue.published()
    desk.clock.advance(FLUSH_EVERY_S)
    with pytest.raises(Unavailable):
        desk.attempt(email_id, 1)
    assert desk.head(email_id).attempts[0].outcome is Kind.UNAVAILABLE
    assert desk.published() == [(email_id, 2)]
    desk.attempt(email_id, 1)  # what failed on our side comes again
    desk.attempt(email_id, 2)
    assert desk.only(email_id).status is Status.SENT
    assert desk.post.providers() == ["sendgrid", "mailgun"]


def test_a_breaker_that_cannot_be_written_loses_nothing(desk: Desk) -> None:
    with_health(desk, Before(desk.healths, "update", failing))
    desk.post.plan("sendgrid", ACCOUNT)
    email_id = desk.take(an_email())
    ((_, number),) = desk.published()
    with pytest.raises(Unavailable):
        desk.attempt(email_id, number)
    assert desk.head(email_id).attempts[0].outcome is Kind.UNAVAILABLE
    assert desk.work() == [(email_id, 2)]
    assert desk.only(email_id).status is Status.SENT


def test_a_crash_while_health_is_written_loses_nothing(desk: Desk) -> None:
    with_health(desk, Before(desk.healths, "update", crash))
    desk.post.plan("sendgrid", ACCOUNT)
    email_id = desk.take(an_email())
    desk.queue.published()
    with pytest.raises(Crash):
        desk.attempt(email_id, 1)
    assert desk.work() == [(email_id, 2)]
    assert desk.only(email_id).status is Status.SENT


def test_health_that_cannot_be_read_claims_nothing_and_the_message_comes_again(desk: Desk) -> None:
    with_health(desk, Before(desk.healths, "get_many", failing))
    email_id = desk.take(an_email())
    desk.queue.published()
    with pytest.raises(Unavailable):
        desk.attempt(email_id, 1)
    assert desk.head(email_id).attempts == ()
    desk.attempt(email_id, 1)
    assert desk.only(email_id).status is Status.SENT


def test_a_webhook_whose_counts_cannot_be_written_is_recorded_and_its_redelivery_counts_once(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.work()
    event = desk.event(email_id, Kind.DELIVERED)
    with_health(desk, Before(desk.healths, "add_minute", failing))
    desk.clock.advance(FLUSH_EVERY_S)
    with pytest.raises(Unavailable):
        desk.report(event)
    assert desk.only(email_id).status is Status.DELIVERED
    desk.clock.advance(FLUSH_EVERY_S)
    desk.report(event)
    minute = desk.clock.now_ms // 60_000
    assert desk.healths.minutes("sendgrid", 0, minute - 1, minute).heard == 1


def test_a_sweep_that_cannot_tend_has_published(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.queue.published()
    desk.clock.advance(10)
    with_health(desk, Before(desk.healths, "get", failing))
    with pytest.raises(Unavailable):
        desk.sweep(within_s=60)
    assert desk.published() == [(email_id, 1)]


def test_two_sweeps_at_once_do_no_harm(desk: Desk) -> None:
    emails = [desk.take(an_email()) for _ in range(10)]
    desk.queue.published()
    desk.clock.advance(10)
    barrier = Barrier(2)

    def sweep(_: int) -> int:
        barrier.wait(20)
        return desk.sweep(within_s=60)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(sweep, range(2)))
    assert sorted(desk.work()) == sorted([(email_id, 1) for email_id in emails] * 2)
    assert len(desk.post.calls) == len(emails)


def test_an_account_fault_of_one_email_spares_the_next_emails_the_call(desk: Desk) -> None:
    desk.post.plan("sendgrid", ACCOUNT)
    for _ in range(20):
        desk.take(an_email())
    desk.work()
    assert desk.post.providers().count("sendgrid") == 1
    assert desk.post.providers().count("mailgun") == 20
