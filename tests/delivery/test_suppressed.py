"""Who is suppressed, by what, for how long; and that the others still get the mail."""

from dataclasses import replace

import pytest

from app.domain.event import Event
from app.domain.head import EmailStatus, Status, status
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.domain.suppression import DAY_MS, LASTS_MS, Reason, Suppression
from tests.support.crash import Before, Crash, crash
from tests.support.desk import UNCERTAIN_WAIT_S, Desk
from tests.support.outcomes import (
    ACCOUNT,
    LISTED,
    REFUSED,
    THROTTLED,
    UNAVAILABLE,
    UNCERTAIN,
    UNDELIVERABLE,
    accepted,
)
from tests.support.providers import webhook
from tests.support.samples import an_email, somebody

DAY_S = DAY_MS / 1000


def found(desk: Desk, address: str) -> Suppression | None:
    return desk.suppressions.get(address, desk.clock.now_ms)


def suppress(desk: Desk, address: str, days: int = 30) -> None:
    now_ms = desk.clock.now_ms
    desk.suppressions.put(Suppression(address, Reason.MANUAL, "asked for by phone", now_ms, now_ms + days * DAY_MS))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Kind.DEAD, Reason.DEAD),
        (Kind.SUPPRESSED, Reason.LISTED),
        (Kind.COMPLAINED, Reason.COMPLAINED),
        (Kind.UNSUBSCRIBED, Reason.UNSUBSCRIBED),
    ],
)
def test_what_a_provider_says_of_a_recipient_suppresses_it_until_its_time_is_over(
    desk: Desk, kind: Kind, reason: Reason
) -> None:
    bob = somebody("bob")
    email_id = desk.take(an_email(bob))
    desk.work()
    desk.report(desk.event(email_id, kind))
    now_ms = desk.clock.now_ms
    evidence = f"sendgrid, {email_id}, attempt 1: {kind.value} by the host"
    assert found(desk, bob.key) == Suppression(bob.key, reason, evidence, now_ms, now_ms + LASTS_MS[reason])
    again = desk.take(an_email(bob))
    desk.work()
    assert (desk.only(again).status, desk.only(again).detail) == (Status.SUPPRESSED, "on our suppression list")
    assert len(desk.post.calls) == 1
    desk.clock.advance(LASTS_MS[reason] / 1000)
    later = desk.take(an_email(bob))
    desk.work()
    assert desk.only(later).status is Status.SENT


@pytest.mark.parametrize(("outcome", "reason"), [(UNDELIVERABLE, Reason.DEAD), (LISTED, Reason.LISTED)])
def test_a_provider_that_blames_the_recipient_in_its_answer_suppresses_it(
    desk: Desk, outcome: Outcome, reason: Reason
) -> None:
    bob = somebody("bob")
    desk.post.plan("sendgrid", outcome)
    email_id = desk.take(an_email(bob))
    desk.work()
    assert desk.post.providers() == ["sendgrid"]
    now_ms = desk.clock.now_ms
    evidence = f"sendgrid, {email_id}, attempt 1: {outcome.reply}"
    assert found(desk, bob.key) == Suppression(bob.key, reason, evidence, now_ms, now_ms + LASTS_MS[reason])


@pytest.mark.parametrize("outcome", [accepted(), UNAVAILABLE, ACCOUNT, THROTTLED, REFUSED, UNCERTAIN])
def test_no_other_answer_does(desk: Desk, outcome: Outcome) -> None:
    bob = somebody("bob")
    desk.post.plan("sendgrid", outcome)
    desk.take(an_email(bob))
    desk.work()
    assert found(desk, bob.key) is None


def test_of_several_in_one_call_nobody_is_suppressed_before_the_answer_names_one(desk: Desk) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    desk.post.plan("sendgrid", UNDELIVERABLE)
    email_id = desk.take(an_email(ann, bob))
    desk.work()
    assert found(desk, ann.key) is found(desk, bob.key) is None
    assert {recipient.status for recipient in desk.head(email_id).recipients.values()} == {Status.SENT}


def test_the_email_is_answered_for_also_if_the_suppression_cannot_be_written(desk: Desk) -> None:
    desk.post.plan("sendgrid", UNDELIVERABLE)
    email_id = desk.take(an_email())
    with pytest.raises(Crash):
        replace(desk.attempt, suppress=crash)(email_id, 1)
    assert desk.only(email_id).status is Status.BOUNCED


@pytest.mark.parametrize(
    "kind", [Kind.DELIVERED, Kind.BOUNCED, Kind.BLOCKED, Kind.DROPPED, Kind.DEFERRED, Kind.ENGAGED]
)
def test_nothing_else_does(desk: Desk, kind: Kind) -> None:
    bob = somebody("bob")
    email_id = desk.take(an_email(bob))
    desk.work()
    desk.report(desk.event(email_id, kind))
    assert found(desk, bob.key) is None


def test_an_event_that_nobody_can_place_suppresses_nobody(desk: Desk) -> None:
    bob, stranger = somebody("bob"), somebody("stranger")
    email_id = desk.take(an_email(bob))
    desk.work()
    about = desk.event(email_id, Kind.COMPLAINED)
    desk.report(replace(about, recipient=stranger.key))
    desk.report(replace(about, attempt=7))
    desk.report(replace(about, email_id="eml_nobody"))
    desk.record("mailgun", webhook([replace(about, provider="mailgun")]))
    assert found(desk, stranger.key) is found(desk, bob.key) is None


def test_the_suppressed_one_is_skipped_and_the_others_get_the_mail(desk: Desk) -> None:
    ann, bob, eve = somebody("ann"), somebody("bob"), somebody("eve")
    suppress(desk, bob.key)
    email_id = desk.take(an_email(ann, bob, bcc=(eve,)))
    desk.work()
    head = desk.head(email_id)
    assert {key: recipient.status for key, recipient in head.recipients.items()} == {
        ann.key: Status.SENT,
        bob.key: Status.SUPPRESSED,
        eve.key: Status.SENT,
    }
    addressed = [mailbox.key for _, m in desk.post.calls for mailbox in (*m.to, *m.cc, *m.bcc)]
    assert sorted(addressed) == sorted([ann.key, eve.key])


def test_an_email_to_suppressed_people_only_has_failed_without_a_call(desk: Desk) -> None:
    bob = somebody("bob")
    suppress(desk, bob.key)
    email_id = desk.take(an_email(bob))
    desk.work()
    assert desk.post.calls == []
    assert status(desk.head(email_id).recipients.values()) is EmailStatus.FAILED


def test_lifted_it_is_sent_to_again(desk: Desk) -> None:
    bob = somebody("bob")
    suppress(desk, bob.key)
    desk.suppressions.lift(bob.key, desk.clock.now_ms)
    email_id = desk.take(an_email(bob))
    desk.work()
    assert desk.only(email_id).status is Status.SENT


@pytest.mark.parametrize("kind", [Kind.DEAD, Kind.SUPPRESSED, Kind.COMPLAINED, Kind.UNSUBSCRIBED])
def test_a_webhook_that_comes_again_does_not_undo_a_lift_and_a_new_one_does(desk: Desk, kind: Kind) -> None:
    bob = somebody("bob")
    email_id = desk.take(an_email(bob))
    desk.work()
    event = desk.event(email_id, kind)
    desk.report(event)
    desk.clock.advance(3600)
    desk.suppressions.lift(bob.key, desk.clock.now_ms)
    desk.report(event)
    assert found(desk, bob.key) is None
    desk.clock.advance(1)
    again = desk.take(an_email(bob))
    desk.work()
    desk.report(desk.event(again, kind))
    assert found(desk, bob.key) is not None


def test_security_mail_overrides(desk: Desk) -> None:
    bob = somebody("bob")
    suppress(desk, bob.key)
    email_id = desk.take(an_email(bob, override_suppression=True))
    desk.work()
    assert desk.head(email_id).override_suppression
    assert desk.only(email_id).status is Status.SENT


def test_who_is_suppressed_while_waiting_for_evidence_gets_no_second_copy(desk: Desk) -> None:
    """Not queued when the attempt looks around, but by what it then settles."""
    bob = somebody("bob")
    desk.post.plan("sendgrid", UNCERTAIN)
    email_id = desk.take(an_email(bob))
    desk.work()
    suppress(desk, bob.key)
    desk.later(UNCERTAIN_WAIT_S)
    assert desk.post.providers() == ["sendgrid"]
    assert desk.only(email_id).status is Status.SUPPRESSED


def test_who_is_suppressed_while_waiting_for_a_round_gets_none(desk: Desk) -> None:
    bob = somebody("bob")
    for provider in ("sendgrid", "mailgun", "ses"):
        desk.post.plan(provider, UNAVAILABLE)
    email_id = desk.take(an_email(bob))
    desk.work()
    suppress(desk, bob.key)
    desk.later(60)
    assert len(desk.post.calls) == 3
    assert desk.only(email_id).status is Status.SUPPRESSED


@pytest.mark.parametrize("kind", [Kind.DEAD, Kind.SUPPRESSED, Kind.COMPLAINED, Kind.UNSUBSCRIBED])
def test_the_same_webhook_again_prolongs_nothing(desk: Desk, kind: Kind) -> None:
    email_id = desk.take(an_email())
    desk.work()
    event: Event = desk.event(email_id, kind)
    desk.report(event)
    before = found(desk, event.recipient)
    assert before is not None
    desk.clock.advance(2 * DAY_S)
    desk.report(event)
    assert found(desk, event.recipient) == before


@pytest.mark.parametrize("kind", [Kind.DEAD, Kind.SUPPRESSED, Kind.COMPLAINED, Kind.UNSUBSCRIBED])
def test_a_crash_between_head_and_suppression_is_healed_by_the_redelivery(desk: Desk, kind: Kind) -> None:
    email_id = desk.take(an_email())
    desk.work()
    event = desk.event(email_id, kind)
    with pytest.raises(Crash):
        replace(desk.record, suppress=crash)("sendgrid", webhook([event]))
    assert found(desk, event.recipient) is None
    assert desk.events.of(email_id) == []
    desk.report(event)
    assert found(desk, event.recipient) is not None


def test_a_suppression_that_comes_between_look_and_claim_comes_too_late_and_only_for_this_call(desk: Desk) -> None:
    bob = somebody("bob")
    email_id = desk.take(an_email(bob))
    desk.queue.published()
    late = Before(desk.heads, "update", lambda: suppress(desk, bob.key))
    replace(desk.attempt, heads=late)(email_id, 1)
    assert desk.only(email_id).status is Status.SENT
    again = desk.take(an_email(bob))
    desk.work()
    assert desk.only(again).status is Status.SUPPRESSED
