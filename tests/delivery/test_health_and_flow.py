"""What an attempt writes about providers comes after what it writes about the email, and costs nothing per email."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from app.delivery.pending_counts import FLUSH_EVERY_S
from app.domain.counts import Sums
from app.domain.head import Status
from app.domain.kinds import Kind
from app.errors import ServiceUnavailable
from tests.support.calls import Seen
from tests.support.crash import Before, Crash, crash
from tests.support.harness import Harness
from tests.support.outcomes import ACCOUNT, UNAVAILABLE
from tests.support.samples import an_email


def failing() -> None:
    raise ServiceUnavailable("the table is throttled")


def test_good_emails_cost_no_write_of_health_each(harness: Harness) -> None:
    seen = Seen(harness.healths)
    harness.build(healths=seen)
    harness.take(an_email())
    harness.work()  # a process writes its first count at once
    seen.names.clear()
    for _ in range(30):
        email_id = harness.take(an_email())
        harness.work()
        harness.report(harness.event(email_id, Kind.DELIVERED))
    assert seen.times("update", "add_minute", "get") == 0
    assert seen.times("get_many") == 0
    harness.clock.advance(FLUSH_EVERY_S)
    harness.take(an_email())
    harness.work()
    assert seen.times("add_minute") <= 2  # one a minute that is counted for
    minute = harness.clock.now_ms // 60_000
    assert harness.healths.minutes("sendgrid", 0, minute - 1, minute) == Sums(accepted=32, reported=30)


def test_a_flush_that_fails_comes_after_the_outcome_and_the_next_attempt_are_safe(harness: Harness) -> None:
    harness.build(healths=Before(harness.healths, "add_minute", failing))
    harness.send.plan("sendgrid", UNAVAILABLE)
    email_id = harness.take(an_email())
    harness.queue.published()
    harness.clock.advance(FLUSH_EVERY_S)
    with pytest.raises(ServiceUnavailable):
        harness.attempt(email_id, 1)
    assert harness.head(email_id).attempts[0].outcome is Kind.UNAVAILABLE
    assert harness.published() == [(email_id, 2)]
    harness.attempt(email_id, 1)  # what failed on our side comes again
    harness.attempt(email_id, 2)
    assert harness.only(email_id).status is Status.SENT
    assert harness.send.providers() == ["sendgrid", "mailgun"]


def test_a_breaker_that_cannot_be_written_loses_nothing(harness: Harness) -> None:
    harness.build(healths=Before(harness.healths, "update", failing))
    harness.send.plan("sendgrid", ACCOUNT)
    email_id = harness.take(an_email())
    ((_, number),) = harness.published()
    with pytest.raises(ServiceUnavailable):
        harness.attempt(email_id, number)
    assert harness.head(email_id).attempts[0].outcome is Kind.UNAVAILABLE
    assert harness.work() == [(email_id, 2)]
    assert harness.only(email_id).status is Status.SENT


def test_a_crash_while_health_is_written_loses_nothing(harness: Harness) -> None:
    harness.build(healths=Before(harness.healths, "update", crash))
    harness.send.plan("sendgrid", ACCOUNT)
    email_id = harness.take(an_email())
    harness.queue.published()
    with pytest.raises(Crash):
        harness.attempt(email_id, 1)
    assert harness.work() == [(email_id, 2)]
    assert harness.only(email_id).status is Status.SENT


def test_health_that_cannot_be_read_claims_nothing_and_the_message_comes_again(harness: Harness) -> None:
    harness.build(healths=Before(harness.healths, "get_many", failing))
    email_id = harness.take(an_email())
    harness.queue.published()
    with pytest.raises(ServiceUnavailable):
        harness.attempt(email_id, 1)
    assert harness.head(email_id).attempts == ()
    harness.attempt(email_id, 1)
    assert harness.only(email_id).status is Status.SENT


def test_a_webhook_whose_counts_cannot_be_written_is_recorded_and_its_redelivery_counts_once(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.work()
    event = harness.event(email_id, Kind.DELIVERED)
    harness.build(healths=Before(harness.healths, "add_minute", failing))
    harness.clock.advance(FLUSH_EVERY_S)
    with pytest.raises(ServiceUnavailable):
        harness.report(event)
    assert harness.only(email_id).status is Status.DELIVERED
    harness.clock.advance(FLUSH_EVERY_S)
    harness.report(event)
    minute = harness.clock.now_ms // 60_000
    assert harness.healths.minutes("sendgrid", 0, minute - 1, minute).reported == 1


def test_a_sweep_that_cannot_tend_has_published(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.queue.published()
    harness.clock.advance(10)
    harness.build(healths=Before(harness.healths, "get", failing))
    harness.sweep(within_s=60)
    assert harness.published() == [(email_id, 1)]


def test_two_sweeps_at_once_do_no_harm(harness: Harness) -> None:
    emails = [harness.take(an_email()) for _ in range(10)]
    harness.queue.published()
    harness.clock.advance(10)
    barrier = Barrier(2)

    def sweep(_: int) -> int:
        barrier.wait(60)
        return harness.sweep(within_s=60)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(sweep, range(2)))
    assert sorted(harness.work()) == sorted([(email_id, 1) for email_id in emails] * 2)
    assert len(harness.send.calls) == len(emails)


def test_an_account_fault_of_one_email_spares_the_next_emails_the_call(harness: Harness) -> None:
    harness.send.plan("sendgrid", ACCOUNT)
    for _ in range(20):
        harness.take(an_email())
    harness.work()
    assert harness.send.providers().count("sendgrid") == 1
    assert harness.send.providers().count("mailgun") == 20
