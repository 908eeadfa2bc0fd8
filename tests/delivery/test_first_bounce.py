"""A host's bad hour kills no addresses: the first hard bounce is for a day, another one of a later email for longer."""

from dataclasses import replace

import pytest

from app.domain.email import Mailbox
from app.domain.event import ProviderEvent
from app.domain.head import Status
from app.domain.kinds import Kind
from app.domain.suppression import DAY_MS, Reason, Suppression
from tests.support.harness import Harness
from tests.support.outcomes import UNAVAILABLE, UNCERTAIN, UNDELIVERABLE
from tests.support.samples import an_email, somebody

HOUR_S = 3600
DAY_S = DAY_MS // 1000


def found(harness: Harness, address: str) -> Suppression | None:
    return harness.suppression(address)


def reason(harness: Harness, address: str) -> Reason | None:
    known = found(harness, address)
    return None if known is None else known.reason


def bounce(harness: Harness, to: Mailbox) -> ProviderEvent:
    """Send an email, and let it bounce. Returns the event."""
    email_id = harness.take(an_email(to))
    harness.work()
    event = harness.event(email_id, Kind.HARD_BOUNCE)
    harness.report(event)
    return event


def test_a_day_after_its_first_bounce_an_address_is_tried_again(harness: Harness) -> None:
    bob = somebody("bob")
    bounce(harness, bob)
    assert reason(harness, bob.key) is Reason.HARD_BOUNCE
    harness.clock.advance(DAY_S)
    assert found(harness, bob.key) is None
    later = harness.take(an_email(bob))
    harness.work()
    assert harness.only(later).status is Status.SENT


@pytest.mark.parametrize("days", [1, 29])
def test_another_bounce_of_a_later_email_suppresses_for_half_a_year(harness: Harness, days: int) -> None:
    bob = somebody("bob")
    bounce(harness, bob)
    harness.clock.advance(days * DAY_S)
    bounce(harness, bob)
    known = found(harness, bob.key)
    assert known is not None
    assert (known.reason, known.until_ms) == (Reason.REPEATED_HARD_BOUNCE, harness.clock.now_ms + 180 * DAY_MS)


def test_a_bounce_after_thirty_days_is_a_first_one(harness: Harness) -> None:
    bob = somebody("bob")
    bounce(harness, bob)
    harness.clock.advance(31 * DAY_S)
    bounce(harness, bob)
    assert reason(harness, bob.key) is Reason.HARD_BOUNCE


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_emails_that_were_under_way_in_one_bad_hour_are_one_bounce(harness: Harness, newest_first: bool) -> None:
    bob = somebody("bob")
    ids = [harness.take(an_email(bob)) for _ in range(3)]
    harness.work()
    events = []
    for email_id in ids:
        harness.clock.advance(600)
        events.append(harness.event(email_id, Kind.HARD_BOUNCE))
    for event in reversed(events) if newest_first else events:
        harness.report(event)
    assert reason(harness, bob.key) is Reason.HARD_BOUNCE


def test_the_older_email_s_bounce_may_arrive_after_the_newer_s(harness: Harness) -> None:
    bob = somebody("bob")
    older = harness.take(an_email(bob))
    harness.work()
    event = harness.event(older, Kind.HARD_BOUNCE)
    harness.clock.advance(HOUR_S)
    bounce(harness, bob)
    assert reason(harness, bob.key) is Reason.HARD_BOUNCE
    last_ms = harness.clock.now_ms
    harness.clock.advance(HOUR_S)
    harness.report(event)
    known = found(harness, bob.key)
    assert known is not None
    assert (known.reason, known.until_ms) == (Reason.REPEATED_HARD_BOUNCE, last_ms + 180 * DAY_MS)


def test_reports_of_one_email_by_two_attempts_and_two_providers_are_one(harness: Harness) -> None:
    bob = somebody("bob")
    harness.send.plan("sendgrid", UNCERTAIN)
    email_id = harness.take(an_email(bob))
    harness.work()
    harness.later(60)
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    for attempt in (1, 2, 1, 2):
        harness.clock.advance(HOUR_S)
        harness.report(harness.event(email_id, Kind.HARD_BOUNCE, attempt=attempt))
    known = found(harness, bob.key)
    assert known is not None
    assert (known.reason, known.until_ms) == (Reason.HARD_BOUNCE, harness.clock.now_ms - 3 * HOUR_S * 1000 + DAY_MS)


def test_what_a_provider_answers_counts_as_what_it_reports(harness: Harness) -> None:
    bob = somebody("bob")
    harness.send.plan("sendgrid", UNDELIVERABLE)
    harness.take(an_email(bob))
    harness.work()
    assert reason(harness, bob.key) is Reason.HARD_BOUNCE
    harness.clock.advance(DAY_S)
    bounce(harness, bob)
    assert reason(harness, bob.key) is Reason.REPEATED_HARD_BOUNCE


def test_the_report_of_a_refusal_is_no_second_bounce(harness: Harness) -> None:
    """Some providers answer that the address is bad, and send a webhook about it, too."""
    bob = somebody("bob")
    harness.send.plan("sendgrid", UNDELIVERABLE)
    email_id = harness.take(an_email(bob))
    harness.work()
    harness.clock.advance(5)
    harness.report(harness.event(email_id, Kind.HARD_BOUNCE))
    assert reason(harness, bob.key) is Reason.HARD_BOUNCE


def test_lifting_forgets_the_count(harness: Harness) -> None:
    bob = somebody("bob")
    event = bounce(harness, bob)
    harness.clock.advance(HOUR_S)
    assert harness.suppressions.lift(bob.key, harness.clock.now_ms)
    harness.report(event)
    assert found(harness, bob.key) is None
    harness.clock.advance(1)
    bounce(harness, bob)
    assert reason(harness, bob.key) is Reason.HARD_BOUNCE


def test_a_bounce_of_mail_that_must_be_tried_counts(harness: Harness) -> None:
    bob = somebody("bob")
    bounce(harness, bob)
    harness.clock.advance(60)
    email_id = harness.take(an_email(bob, override_suppression=True))
    harness.work()
    harness.report(harness.event(email_id, Kind.HARD_BOUNCE))
    assert reason(harness, bob.key) is Reason.REPEATED_HARD_BOUNCE


def test_a_report_that_was_long_under_way_counts_from_when_it_bounced(harness: Harness) -> None:
    bob = somebody("bob")
    email_id = harness.take(an_email(bob))
    harness.work()
    event = harness.event(email_id, Kind.HARD_BOUNCE)
    harness.clock.advance(20 * HOUR_S)
    harness.report(event)
    known = found(harness, bob.key)
    assert known is not None
    assert known.until_ms == event.at_ms + DAY_MS


@pytest.mark.parametrize("at_ms", [0, 10**14])
def test_a_provider_whose_clock_is_wrong_suppresses_for_a_day_all_the_same(harness: Harness, at_ms: int) -> None:
    bob = somebody("bob")
    email_id = harness.take(an_email(bob))
    harness.work()
    harness.report(replace(harness.event(email_id, Kind.HARD_BOUNCE), at_ms=at_ms))
    known = found(harness, bob.key)
    assert known is not None
    assert known.until_ms == harness.clock.now_ms + DAY_MS


def test_bounces_of_emails_that_nobody_knows_do_not_add_up_within_a_week(harness: Harness) -> None:
    bob = somebody("bob")
    unknown = replace(bounce(harness, bob), email_id="", attempt=0, message_id="")
    for day in range(1, 8):
        harness.clock.advance(DAY_S)
        harness.report(replace(unknown, at_ms=harness.clock.now_ms, event_id=f"event {day}"))
        assert reason(harness, bob.key) is Reason.HARD_BOUNCE
    harness.clock.advance(DAY_S + 1)
    harness.report(replace(unknown, at_ms=harness.clock.now_ms, event_id="the last"))
    assert reason(harness, bob.key) is Reason.REPEATED_HARD_BOUNCE


def test_an_email_that_waits_for_its_next_round_is_not_sent_to_who_bounced_meanwhile(harness: Harness) -> None:
    bob = somebody("bob")
    for provider in ("sendgrid", "mailgun", "ses"):
        harness.send.plan(provider, UNAVAILABLE)
    waiting = harness.take(an_email(bob))
    harness.work()
    bounce(harness, bob)
    harness.later(120)
    assert harness.only(waiting).status is Status.SUPPRESSED
