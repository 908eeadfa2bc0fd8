"""The watchdog: a provider that accepts and no longer reports loses weight; critical mail is sent through the next."""

from dataclasses import replace

import pytest

from app.domain.counts import Sums
from app.domain.due import due_at_ms
from app.domain.email import Message, OnUncertain
from app.domain.head import Evidence, Status
from app.domain.health import SILENT_AFTER_MS, Health
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.domain.rounds import WATCHED_FOR_QUARTERS
from tests.support.harness import PROVIDERS, Harness
from tests.support.outcomes import REFUSED, UNAVAILABLE, UNCERTAIN, accepted
from tests.support.samples import an_email, somebody

LOOK_S = SILENT_AFTER_MS / 1000


def usually_reports(harness: Harness, *providers: str) -> None:
    for provider in providers:
        harness.another_monitor().update(provider, lambda health: replace(health, usual_share=0.9, usual_of=1000))


def tell_silence(harness: Harness, provider: str = "sendgrid", *, reported: int = 0) -> Health:
    """Other emails of twenty minutes ago, `reported` of forty reported on; the sweep looks at them."""
    minute = harness.clock.now_ms // 60_000 - 20
    epoch = harness.healths.get(provider).epoch
    harness.healths.add_minute(provider, epoch, minute, Sums(accepted=40, reported=reported), harness.clock())
    harness.judge()
    return harness.healths.get(provider)


def critical(harness: Harness, **fields: object) -> str:
    email_id = harness.take(an_email(critical=True, **fields))
    harness.work()
    return email_id


def looks(harness: Harness, email_id: str) -> int:
    """How often the email is looked at until nobody watches it any more, or four times too often."""
    return sum(harness.until_due(email_id) for _ in range(4 * WATCHED_FOR_QUARTERS))


def test_the_whole_way_from_accepted_emails_without_a_word_to_less_weight(harness: Harness) -> None:
    """Nothing is planted: no report on any of forty recipients, who are counted by attempts and judged by the sweep."""
    usually_reports(harness, "sendgrid")
    harness.take(an_email(*(somebody() for _ in range(40))))
    harness.work()
    for _ in range(5):
        harness.clock.advance(4 * 60)
        harness.take(an_email())
        harness.work()
        harness.sweep(within_s=60)
    health = harness.healths.get("sendgrid")
    assert health.silent
    assert health.weight < 100


def test_a_provider_that_reports_is_not_silent_and_its_usual_share_is_learned(harness: Harness) -> None:
    many = [somebody() for _ in range(40)]
    email_id = harness.take(an_email(*many))
    harness.work()
    harness.report(*(harness.event(email_id, Kind.DELIVERED, to=one.key) for one in many))
    harness.clock.advance(20)
    harness.monitor.flush()
    harness.clock.advance(16 * 60)
    harness.sweep(within_s=60)
    health = harness.healths.get("sendgrid")
    assert (health.silent, health.usual_share, health.weight) == (False, 1.0, 100)


def test_a_redelivered_report_counts_once(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.work()
    event = harness.event(email_id, Kind.DELIVERED)
    for _ in range(3):
        harness.report(event)
    harness.monitor.flush(now=True)
    minute = harness.clock.now_ms // 60_000
    assert harness.healths.minutes("sendgrid", 0, minute, minute) == Sums(accepted=1, reported=1)


def test_slow_deliveries_move_the_weight(harness: Harness) -> None:
    many = [somebody() for _ in range(51)]
    email_id = harness.take(an_email(*many))
    harness.work()
    harness.monitor.flush(now=True)
    harness.clock.advance(5 * 60 + 1)
    harness.report(*(harness.event(email_id, Kind.DELIVERED, to=one.key) for one in many))
    harness.monitor.flush(now=True)
    assert harness.healths.get("sendgrid").weight == 90


def test_critical_mail_goes_through_the_next_provider_and_the_first_copys_receipt_still_counts(
    harness: Harness,
) -> None:
    usually_reports(harness, "sendgrid")
    email_id = critical(harness)
    assert tell_silence(harness).silent
    assert harness.later(LOOK_S - 1) == []
    assert harness.later(1) == [(email_id, 2)]
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    assert (harness.only(email_id).status, harness.only(email_id).attempt) == (Status.SENT, 2)
    harness.report(harness.event(email_id, Kind.DELIVERED, attempt=1))
    assert (harness.only(email_id).status, harness.only(email_id).attempt) == (Status.DELIVERED, 1)
    assert not harness.until_due(email_id)


@pytest.mark.parametrize("policy", OnUncertain)
def test_critical_does_not_beat_fail_which_never_makes_a_second_copy(harness: Harness, policy: OnUncertain) -> None:
    usually_reports(harness, "sendgrid")
    email_id = critical(harness, on_uncertain=policy)
    assert tell_silence(harness).silent
    for _ in range(WATCHED_FOR_QUARTERS + 2):
        harness.clock.advance(LOOK_S)
        harness.attempt(email_id, harness.head(email_id).next_attempt)
    assert harness.send.providers() == (["sendgrid"] if policy is OnUncertain.FAIL else ["sendgrid", "mailgun"])
    assert harness.only(email_id).status is Status.SENT
    if policy is OnUncertain.FAIL:  # nobody watches it either
        assert due_at_ms(harness.head(email_id), harness.clock.now_ms) is None


@pytest.mark.parametrize("kind", [Kind.DELIVERED, Kind.BLOCKED, Kind.DELAYED, Kind.UNKNOWN])
def test_a_webhook_about_one_recipient_does_not_postpone_the_rescue_of_another(harness: Harness, kind: Kind) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    usually_reports(harness, "sendgrid")
    email_id = harness.take(an_email(ann, bob, critical=True))
    harness.work()
    assert tell_silence(harness).silent
    harness.clock.advance(LOOK_S)
    harness.report(harness.event(email_id, kind, to=ann.key))
    harness.work()
    assert harness.send.providers().count("mailgun") == 1
    assert bob.key in harness.head(email_id).attempts[1].recipients


def test_webhooks_at_the_last_looks_do_not_end_the_watch(harness: Harness) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    usually_reports(harness, "sendgrid")
    email_id = harness.take(an_email(ann, bob, critical=True))
    harness.work()
    harness.clock.advance(LOOK_S * WATCHED_FOR_QUARTERS)
    assert tell_silence(harness).silent
    harness.report(harness.event(email_id, Kind.DELIVERED, to=ann.key))
    assert harness.head(email_id).recipients[bob.key].wait_until_ms is not None
    harness.work()
    assert harness.head(email_id).attempts[-1].recipients == (bob.key,)
    assert harness.send.providers() == ["sendgrid", "mailgun"]


def test_the_outcome_of_a_call_for_one_does_not_postpone_the_rescue_of_another(harness: Harness) -> None:
    """The call for ann ends after bob's look was due."""
    ann, bob = somebody("ann"), somebody("bob")
    usually_reports(harness, "sendgrid")
    email_id = harness.take(an_email(ann, bob, critical=True))
    harness.work()
    assert tell_silence(harness).silent

    def slow(_: Message) -> Outcome:
        harness.clock.advance(10)
        return accepted()

    harness.send.plan("mailgun", slow, accepted())
    harness.clock.advance(LOOK_S - 5)
    harness.report(harness.event(email_id, Kind.BLOCKED, to=ann.key))
    harness.work()
    assert [attempt.recipients for attempt in harness.head(email_id).attempts[1:]] == [(ann.key,), (bob.key,)]


def test_a_webhook_that_comes_again_does_not_stop_a_rescue_that_waits(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    for provider in ("mailgun", "ses"):
        harness.send.plan(provider, UNAVAILABLE, accepted())
    email_id = critical(harness)
    event = harness.event(email_id, Kind.ACCEPTED)
    harness.report(event)
    assert tell_silence(harness).silent
    harness.later(LOOK_S)
    assert harness.only(email_id).status is Status.QUEUED
    harness.report(event)
    assert harness.only(email_id).status is Status.QUEUED
    harness.until_due(email_id)
    assert (harness.only(email_id).status, harness.only(email_id).attempt) == (Status.SENT, 4)


@pytest.mark.parametrize("kind", [Kind.UNKNOWN, Kind.UNSUBSCRIBED])
def test_a_rescue_that_fails_leaves_sent_whatever_event_it_was_that_said_so(harness: Harness, kind: Kind) -> None:
    usually_reports(harness, "sendgrid")
    harness.send.plan("sendgrid", UNCERTAIN)
    for provider in ("mailgun", "ses"):
        harness.send.plan(provider, REFUSED)
    email_id = critical(harness, override_suppression=True)
    harness.report(harness.event(email_id, kind))
    assert (harness.only(email_id).status, harness.only(email_id).attempt) == (Status.SENT, 1)
    assert tell_silence(harness).silent
    harness.later(LOOK_S)
    assert harness.send.providers() == ["sendgrid", "mailgun", "ses"]
    assert (harness.only(email_id).status, harness.only(email_id).attempt) == (Status.SENT, 1)


@pytest.mark.parametrize("kind", [Kind.UNKNOWN, Kind.UNSUBSCRIBED])
def test_an_event_of_any_kind_is_a_fact_that_a_later_failure_of_another_copy_does_not_undo(
    harness: Harness, kind: Kind
) -> None:
    """The first call is known to have sent, only because of that event; the second one, made meanwhile, is blocked."""
    harness.send.plan("sendgrid", UNCERTAIN)
    email_id = harness.take(an_email(override_suppression=True))
    harness.work()
    harness.report(harness.event(email_id, kind))
    assert harness.only(email_id).has_evidence(1, Evidence.ACCEPTED)
    assert harness.later(86_400) == []
    assert harness.only(email_id).status is Status.SENT


def test_other_mail_is_not_sent_again(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    email_id = harness.take(an_email())
    harness.work()
    tell_silence(harness)
    assert harness.later(LOOK_S) == []
    assert not harness.until_due(email_id)
    assert harness.only(email_id).status is Status.SENT


def test_with_all_silent_each_is_asked_once(harness: Harness) -> None:
    usually_reports(harness, *PROVIDERS)
    email_id = critical(harness)
    for provider in PROVIDERS:  # one after the other: together it would be our fault
        harness.another_monitor().update(
            provider, lambda health: replace(health, silent=True, silent_since_ms=harness.clock.now_ms)
        )
    assert looks(harness, email_id) < 3 * WATCHED_FOR_QUARTERS
    assert sorted(harness.send.providers()) == sorted(PROVIDERS)
    assert harness.only(email_id).status is Status.SENT
    assert harness.later(30 * 86_400) == []


def test_when_the_provider_speaks_again_nothing_more_is_sent_again(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    email_id = critical(harness)
    assert tell_silence(harness).silent
    harness.clock.advance(60)
    minute = harness.clock.now_ms // 60_000
    harness.healths.add_minute("sendgrid", 0, minute, Sums(accepted=40, reported=36), harness.clock())
    harness.judge()
    assert not harness.healths.get("sendgrid").silent
    assert looks(harness, email_id) == WATCHED_FOR_QUARTERS
    assert harness.send.providers() == ["sendgrid"]
    assert harness.only(email_id).status is Status.SENT


def test_silence_that_is_noticed_later_is_acted_on_at_the_next_look(harness: Harness) -> None:
    usually_reports(harness, "sendgrid")
    email_id = critical(harness)
    assert harness.later(LOOK_S) == [(email_id, 2)]  # a look, no call
    assert harness.send.providers() == ["sendgrid"]
    tell_silence(harness)
    harness.later(LOOK_S)
    assert harness.send.providers() == ["sendgrid", "mailgun"]


def test_watching_ends_after_eight_looks(harness: Harness) -> None:
    email_id = critical(harness)
    assert looks(harness, email_id) == WATCHED_FOR_QUARTERS
    assert harness.only(email_id).wait_until_ms is None


@pytest.mark.parametrize("kind", [Kind.DELIVERED, Kind.OPENED, Kind.CLICKED, Kind.DELAYED])
def test_one_that_was_delivered_or_opened_or_is_deferred_is_not_looked_at(harness: Harness, kind: Kind) -> None:
    usually_reports(harness, "sendgrid")
    email_id = critical(harness)
    harness.report(harness.event(email_id, kind))
    tell_silence(harness)
    for _ in range(3):
        assert harness.later(LOOK_S) == []
    assert harness.only(email_id).status is (Status.DELIVERED if kind is Kind.DELIVERED else Status.SENT)


def test_one_that_is_too_old_to_send_stays_sent(harness: Harness) -> None:
    """It was taken by a provider; that nobody reported on it does not make it expired."""
    usually_reports(harness, "sendgrid")
    email_id = critical(harness, expires_at_ms=harness.clock.now_ms + 600_000)
    tell_silence(harness)
    harness.later(LOOK_S)
    assert harness.send.providers() == ["sendgrid"]
    assert harness.only(email_id).status is Status.SENT
