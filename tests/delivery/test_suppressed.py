"""Who is suppressed, by what, for how long; and that the others still get the mail."""

from dataclasses import replace
from typing import Any

import pytest

from app.domain.event import ProviderEvent
from app.domain.head import EmailStatus, Status, status
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.domain.suppression import DAY_MS, LASTS_MS, Reason, Suppression
from app.store.head_items import PART, HeadItem
from tests.support.crash import Before, Crash, crash
from tests.support.harness import UNCERTAIN_WAIT_S, Harness
from tests.support.outcomes import (
    ACCOUNT,
    ON_PROVIDER_LIST,
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


def found(harness: Harness, address: str) -> Suppression | None:
    return harness.suppression(address)


def suppress(harness: Harness, address: str, days: int = 30) -> None:
    now_ms = harness.clock.now_ms
    harness.suppressions.put(Suppression(address, Reason.MANUAL, "asked for by phone", now_ms, now_ms + days * DAY_MS))


@pytest.mark.parametrize(
    ("kind", "reason", "owner"),
    [
        (Kind.HARD_BOUNCE, Reason.HARD_BOUNCE, ""),
        (Kind.SUPPRESSED, Reason.PROVIDER_LIST, ""),
        (Kind.COMPLAINED, Reason.COMPLAINED, "team"),
        (Kind.UNSUBSCRIBED, Reason.UNSUBSCRIBED, "team"),
    ],
)
def test_what_a_provider_says_of_a_recipient_suppresses_it_until_its_time_is_over(
    harness: Harness, kind: Kind, reason: Reason, owner: str
) -> None:
    bob = somebody("bob")
    email_id = harness.take(an_email(bob))
    harness.work()
    harness.report(harness.event(email_id, kind))
    now_ms = harness.clock.now_ms
    evidence = f"sendgrid, {email_id}, attempt 1: {kind.value} by the host"
    assert found(harness, bob.key) == Suppression(bob.key, reason, evidence, now_ms, now_ms + LASTS_MS[reason], owner)
    again = harness.take(an_email(bob))
    harness.work()
    assert (harness.only(again).status, harness.only(again).detail) == (Status.SUPPRESSED, "on our suppression list")
    assert len(harness.send.calls) == 1
    harness.clock.advance(LASTS_MS[reason] / 1000)
    later = harness.take(an_email(bob))
    harness.work()
    assert harness.only(later).status is Status.SENT


@pytest.mark.parametrize(
    ("outcome", "reason"), [(UNDELIVERABLE, Reason.HARD_BOUNCE), (ON_PROVIDER_LIST, Reason.PROVIDER_LIST)]
)
def test_a_provider_that_blames_the_recipient_in_its_answer_suppresses_it(
    harness: Harness, outcome: Outcome, reason: Reason
) -> None:
    bob = somebody("bob")
    harness.send.plan("sendgrid", outcome)
    email_id = harness.take(an_email(bob))
    harness.work()
    assert harness.send.providers() == ["sendgrid"]
    now_ms = harness.clock.now_ms
    evidence = f"sendgrid, {email_id}, attempt 1: {outcome.reply}"
    assert found(harness, bob.key) == Suppression(bob.key, reason, evidence, now_ms, now_ms + LASTS_MS[reason])


@pytest.mark.parametrize("outcome", [accepted(), UNAVAILABLE, ACCOUNT, THROTTLED, REFUSED, UNCERTAIN])
def test_no_other_answer_does(harness: Harness, outcome: Outcome) -> None:
    bob = somebody("bob")
    harness.send.plan("sendgrid", outcome)
    harness.take(an_email(bob))
    harness.work()
    assert found(harness, bob.key) is None


def test_of_several_in_one_call_nobody_is_suppressed_before_the_answer_names_one(harness: Harness) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    harness.send.plan("sendgrid", UNDELIVERABLE)
    email_id = harness.take(an_email(ann, bob))
    harness.work()
    assert found(harness, ann.key) is found(harness, bob.key) is None
    assert {recipient.status for recipient in harness.head(email_id).recipients.values()} == {Status.SENT}


def test_the_email_is_answered_for_also_if_the_suppression_cannot_be_written(harness: Harness) -> None:
    harness.send.plan("sendgrid", UNDELIVERABLE)
    email_id = harness.take(an_email())
    with pytest.raises(Crash):
        replace(harness.attempt, suppress=crash)(email_id, 1)
    assert harness.only(email_id).status is Status.BOUNCED


@pytest.mark.parametrize(
    "kind", [Kind.DELIVERED, Kind.SOFT_BOUNCE, Kind.BLOCKED, Kind.DROPPED, Kind.DELAYED, Kind.OPENED]
)
def test_nothing_else_does(harness: Harness, kind: Kind) -> None:
    bob = somebody("bob")
    email_id = harness.take(an_email(bob))
    harness.work()
    harness.report(harness.event(email_id, kind))
    assert found(harness, bob.key) is None


@pytest.mark.parametrize("kind", [Kind.COMPLAINED, Kind.UNSUBSCRIBED, Kind.SUPPRESSED])
def test_an_event_without_ids_of_ours_may_be_about_mail_that_is_not(harness: Harness, kind: Kind) -> None:
    bob = somebody("bob")
    email_id = harness.take(an_email(bob))
    harness.work()
    harness.report(replace(harness.event(email_id, kind), email_id="", attempt=0, message_id=""))
    assert found(harness, bob.key) is None


OUTLIVES = pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Kind.HARD_BOUNCE, Reason.HARD_BOUNCE),
        (Kind.COMPLAINED, Reason.COMPLAINED),
        (Kind.UNSUBSCRIBED, Reason.UNSUBSCRIBED),
    ],
)


@OUTLIVES
@pytest.mark.parametrize("lost", [{"attempt": 0, "message_id": ""}, {"attempt": 9}, {"provider": "ses"}])
def test_what_is_reported_of_an_unknown_attempt_of_an_email_counts_for_its_recipients(
    harness: Harness, kind: Kind, reason: Reason, lost: dict[str, Any]
) -> None:
    """The number is lost, or the account has another name by now."""
    bob = somebody("bob")
    email_id = harness.take(an_email(bob))
    harness.work()
    event = replace(harness.event(email_id, kind), **lost)
    stranger = somebody()
    harness.report(event)
    harness.report(replace(event, recipient=stranger.key))
    known = found(harness, bob.key)
    assert known is not None
    assert known.reason is reason
    assert (found(harness, stranger.key) is not None) is (kind is Kind.HARD_BOUNCE)
    assert harness.only(email_id).status is Status.SENT


@OUTLIVES
def test_what_is_reported_months_later_counts_although_the_email_is_gone(
    harness: Harness, kind: Kind, reason: Reason
) -> None:
    bob = somebody("bob")
    email_id = harness.take(an_email(bob))
    harness.work()
    event = harness.event(email_id, kind)
    HeadItem(email_id, PART).delete()  # as DynamoDB does after eight days
    harness.clock.advance(60 * DAY_S)
    harness.report(replace(event, at_ms=harness.clock.now_ms))
    known = found(harness, bob.key)
    assert known is not None
    assert known.reason is reason
    assert email_id in known.evidence
    again = harness.take(an_email(bob))
    harness.work()
    assert harness.only(again).status is Status.SUPPRESSED


def test_the_suppressed_one_is_skipped_and_the_others_get_the_mail(harness: Harness) -> None:
    ann, bob, eve = somebody("ann"), somebody("bob"), somebody("eve")
    suppress(harness, bob.key)
    email_id = harness.take(an_email(ann, bob, bcc=(eve,)))
    harness.work()
    head = harness.head(email_id)
    assert {key: recipient.status for key, recipient in head.recipients.items()} == {
        ann.key: Status.SENT,
        bob.key: Status.SUPPRESSED,
        eve.key: Status.SENT,
    }
    addressed = [mailbox.key for _, m in harness.send.calls for mailbox in (*m.to, *m.cc, *m.bcc)]
    assert sorted(addressed) == sorted([ann.key, eve.key])


def test_an_email_to_suppressed_people_only_has_failed_without_a_call(harness: Harness) -> None:
    bob = somebody("bob")
    suppress(harness, bob.key)
    email_id = harness.take(an_email(bob))
    harness.work()
    assert harness.send.calls == []
    assert status(harness.head(email_id).recipients.values()) is EmailStatus.FAILED


def test_who_is_on_our_list_shows_why(harness: Harness) -> None:
    bob = somebody("bob")
    suppress(harness, bob.key)
    email_id = harness.take(an_email(bob))
    harness.work()
    shown = harness.only(email_id)
    assert (shown.status, shown.cause, shown.detail) == (
        Status.SUPPRESSED,
        Cause.RECIPIENT,
        "on our suppression list",
    )


def test_lifted_it_is_sent_to_again(harness: Harness) -> None:
    bob = somebody("bob")
    suppress(harness, bob.key)
    harness.lift(bob.key)
    email_id = harness.take(an_email(bob))
    harness.work()
    assert harness.only(email_id).status is Status.SENT


@pytest.mark.parametrize("kind", [Kind.HARD_BOUNCE, Kind.COMPLAINED, Kind.UNSUBSCRIBED])
def test_a_webhook_that_comes_again_does_not_undo_a_lift_and_a_new_one_does(harness: Harness, kind: Kind) -> None:
    bob = somebody("bob")
    email_id = harness.take(an_email(bob))
    harness.work()
    event = harness.event(email_id, kind)
    harness.report(event)
    harness.clock.advance(3600)
    harness.lift(bob.key)
    harness.report(event)
    assert found(harness, bob.key) is None
    harness.clock.advance(1)
    again = harness.take(an_email(bob))
    harness.work()
    harness.report(harness.event(again, kind))
    assert found(harness, bob.key) is not None


@pytest.mark.parametrize("later", [Reason.MANUAL, Reason.PROVIDER_LIST, Reason.HARD_BOUNCE])
def test_an_older_complaint_that_comes_again_does_not_undo_a_lift_behind_a_later_suppression(
    harness: Harness, later: Reason
) -> None:
    bob = somebody("bob")
    email_id = harness.take(an_email(bob))
    harness.work()
    complaint = harness.event(email_id, Kind.COMPLAINED)
    harness.report(complaint)
    harness.clock.advance(3600)
    harness.lift(bob.key)
    harness.clock.advance(3600)
    now_ms = harness.clock.now_ms
    harness.suppressions.put(Suppression(bob.key, later, "a later one", now_ms, now_ms + DAY_MS))
    harness.report(complaint)
    assert found(harness, bob.key) == Suppression(bob.key, later, "a later one", now_ms, now_ms + DAY_MS)
    harness.clock.advance(DAY_S)
    harness.report(complaint)
    assert found(harness, bob.key) is None


def test_security_mail_overrides(harness: Harness) -> None:
    bob = somebody("bob")
    suppress(harness, bob.key)
    email_id = harness.take(an_email(bob, override_suppression=True))
    harness.work()
    assert harness.head(email_id).override_suppression
    assert harness.only(email_id).status is Status.SENT


def test_who_is_suppressed_while_waiting_for_evidence_gets_no_second_copy(harness: Harness) -> None:
    """Not queued when the attempt looks around, but by what it then settles."""
    bob = somebody("bob")
    harness.send.plan("sendgrid", UNCERTAIN)
    email_id = harness.take(an_email(bob))
    harness.work()
    suppress(harness, bob.key)
    harness.later(UNCERTAIN_WAIT_S)
    assert harness.send.providers() == ["sendgrid"]
    assert harness.only(email_id).status is Status.SUPPRESSED


def test_who_is_suppressed_while_waiting_for_a_round_gets_none(harness: Harness) -> None:
    bob = somebody("bob")
    for provider in ("sendgrid", "mailgun", "ses"):
        harness.send.plan(provider, UNAVAILABLE)
    email_id = harness.take(an_email(bob))
    harness.work()
    suppress(harness, bob.key)
    harness.later(60)
    assert len(harness.send.calls) == 3
    assert harness.only(email_id).status is Status.SUPPRESSED


@pytest.mark.parametrize("kind", [Kind.HARD_BOUNCE, Kind.SUPPRESSED, Kind.COMPLAINED, Kind.UNSUBSCRIBED])
def test_the_same_webhook_again_prolongs_nothing(harness: Harness, kind: Kind) -> None:
    email_id = harness.take(an_email())
    harness.work()
    event: ProviderEvent = harness.event(email_id, kind)
    harness.report(event)
    before = found(harness, event.recipient)
    assert before is not None
    harness.clock.advance(DAY_S / 2)
    harness.report(event)
    assert found(harness, event.recipient) == before


@pytest.mark.parametrize("kind", [Kind.HARD_BOUNCE, Kind.SUPPRESSED, Kind.COMPLAINED, Kind.UNSUBSCRIBED])
def test_a_crash_between_head_and_suppression_is_healed_by_the_redelivery(harness: Harness, kind: Kind) -> None:
    email_id = harness.take(an_email())
    harness.work()
    event = harness.event(email_id, kind)
    with pytest.raises(Crash):
        replace(harness.record, suppress=crash)("sendgrid", webhook([event]))
    assert found(harness, event.recipient) is None
    assert harness.events.of(email_id) == []
    harness.report(event)
    assert found(harness, event.recipient) is not None


def test_a_suppression_that_comes_between_look_and_claim_comes_too_late_and_only_for_this_call(
    harness: Harness,
) -> None:
    bob = somebody("bob")
    email_id = harness.take(an_email(bob))
    harness.queue.published()
    late = Before(harness.heads, "update", lambda: suppress(harness, bob.key))
    replace(harness.attempt, heads=late)(email_id, 1)
    assert harness.only(email_id).status is Status.SENT
    again = harness.take(an_email(bob))
    harness.work()
    assert harness.only(again).status is Status.SUPPRESSED
