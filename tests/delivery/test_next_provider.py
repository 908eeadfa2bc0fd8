"""What each outcome leads to: the next provider, the end, or patience."""

from dataclasses import replace

import pytest

from app.domain.email import OnUncertain
from app.domain.head import EmailStatus, Status, status
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from tests.support.aws import Aws
from tests.support.desk import UNCERTAIN_WAIT_S, Desk
from tests.support.outcomes import (
    ACCOUNT,
    LISTED,
    REFUSED,
    THROTTLED,
    UNAVAILABLE,
    UNCERTAIN,
    UNDELIVERABLE,
)
from tests.support.samples import an_email, somebody


@pytest.mark.parametrize("fault", [UNAVAILABLE, ACCOUNT, THROTTLED, REFUSED], ids=lambda o: f"{o.kind}-{o.cause}")
def test_what_surely_was_not_sent_goes_to_the_next_provider_at_once(desk: Desk, fault: Outcome) -> None:
    email_id = desk.take(an_email())
    desk.post.plan("sendgrid", fault)
    assert desk.work() == [(email_id, 1), (email_id, 2)]
    assert desk.post.providers() == ["sendgrid", "mailgun"]
    head = desk.head(email_id)
    first, second = head.attempts
    assert (first.provider, first.outcome, first.cause) == ("sendgrid", fault.kind, fault.cause)
    assert (first.status_code, first.reply) == (fault.status_code, fault.reply)
    assert (second.provider, second.outcome) == ("mailgun", Kind.ACCEPTED)
    recipient = desk.only(email_id)
    assert (recipient.status, recipient.attempt, recipient.cause) == (Status.SENT, 2, None)


def test_the_third_provider_gets_what_the_first_two_did_not_take(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.post.plan("sendgrid", ACCOUNT)
    desk.post.plan("mailgun", THROTTLED)
    desk.work()
    assert desk.post.providers() == ["sendgrid", "mailgun", "ses"]
    assert [message.attempt for _, message in desk.post.calls] == [1, 2, 3]
    assert desk.only(email_id).status is Status.SENT


def test_when_all_refuse_the_email_has_failed_and_every_reason_is_told(desk: Desk) -> None:
    email_id = desk.take(an_email())
    for n, provider in enumerate(("sendgrid", "mailgun", "ses")):
        desk.post.plan(provider, replace(REFUSED, reply=f"no {n}"))
    assert desk.work() == [(email_id, 1), (email_id, 2), (email_id, 3)]  # nobody has to ask a fourth time
    head = desk.head(email_id)
    assert [(a.provider, a.outcome, a.reply) for a in head.attempts] == [
        ("sendgrid", Kind.REFUSED, "no 0"),
        ("mailgun", Kind.REFUSED, "no 1"),
        ("ses", Kind.REFUSED, "no 2"),
    ]
    assert status(head.recipients.values()) is EmailStatus.FAILED
    recipient = desk.only(email_id)
    assert (recipient.status, recipient.cause, recipient.detail) == (Status.FAILED, Cause.MESSAGE, "no 2")
    assert desk.later(86_400) == []


@pytest.mark.parametrize(("fault", "end"), [(UNDELIVERABLE, Status.BOUNCED), (LISTED, Status.SUPPRESSED)])
def test_a_recipient_at_fault_ends_and_no_other_provider_is_asked(desk: Desk, fault: Outcome, end: Status) -> None:
    email_id = desk.take(an_email())
    desk.post.plan("sendgrid", fault)
    assert desk.work() == [(email_id, 1)]
    assert desk.post.providers() == ["sendgrid"]
    assert desk.only(email_id).status is end
    assert desk.later(86_400) == []


def test_an_email_goes_to_the_providers_it_names_only_in_the_configured_order(desk: Desk) -> None:
    email_id = desk.take(an_email(providers=("ses", "mailgun")))
    desk.post.plan("mailgun", REFUSED)
    desk.work()
    assert desk.post.providers() == ["mailgun", "ses"]
    assert desk.only(email_id).status is Status.SENT


def test_an_email_whose_only_provider_is_no_longer_configured_fails_and_says_why(store: Aws) -> None:
    email_id = Desk(store, providers=("sendgrid", "ses")).take(an_email(providers=("ses",)))
    desk = Desk(store, providers=("sendgrid",))
    desk.attempt(email_id, 1)
    recipient = desk.only(email_id)
    assert (recipient.status, recipient.detail) == (Status.FAILED, "no provider may carry this email")


def test_uncertain_waits_for_evidence_then_goes_to_the_next_provider(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.post.plan("sendgrid", UNCERTAIN)
    desk.work()
    waiting = desk.only(email_id)
    assert waiting.status is Status.SENDING
    assert waiting.wait_until_ms == desk.clock.now_ms + UNCERTAIN_WAIT_S * 1000
    assert desk.later(UNCERTAIN_WAIT_S - 1) == []
    assert desk.later(1) == [(email_id, 2)]
    assert desk.post.providers() == ["sendgrid", "mailgun"]
    assert desk.only(email_id).status is Status.SENT


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.DEFERRED, Kind.DELIVERED, Kind.ENGAGED])
def test_evidence_within_the_wait_means_no_second_copy(desk: Desk, kind: Kind) -> None:
    email_id = desk.take(an_email())
    desk.post.plan("sendgrid", UNCERTAIN)
    desk.work()
    desk.clock.advance(UNCERTAIN_WAIT_S - 1)
    desk.report(desk.event(email_id, kind))
    assert desk.later(86_400) == []
    assert desk.post.providers() == ["sendgrid"]
    seen = kind in (Kind.DELIVERED, Kind.ENGAGED)
    assert desk.only(email_id).status is (Status.DELIVERED if seen else Status.SENT)


def test_evidence_that_comes_after_the_second_copy_is_told_all_the_same(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.post.plan("sendgrid", UNCERTAIN)
    desk.work()
    desk.later(UNCERTAIN_WAIT_S)
    desk.report(desk.event(email_id, Kind.DELIVERED, attempt=1))
    recipient = desk.only(email_id)
    assert (recipient.status, recipient.attempt) == (Status.DELIVERED, 1)


def test_uncertain_under_failover_goes_on_at_once(desk: Desk) -> None:
    email_id = desk.take(an_email(on_uncertain=OnUncertain.FAILOVER))
    desk.post.plan("sendgrid", UNCERTAIN)
    assert desk.work() == [(email_id, 1), (email_id, 2)]
    assert desk.post.providers() == ["sendgrid", "mailgun"]


def test_uncertain_under_fail_never_risks_a_second_copy(desk: Desk) -> None:
    email_id = desk.take(an_email(on_uncertain=OnUncertain.FAIL))
    desk.post.plan("sendgrid", UNCERTAIN)
    desk.work()
    assert desk.only(email_id).status is Status.SENDING
    desk.later(UNCERTAIN_WAIT_S)
    recipient = desk.only(email_id)
    assert (recipient.status, recipient.cause, recipient.detail) == (Status.FAILED, Cause.OUTAGE, "ReadTimeout")
    desk.later(86_400)
    assert desk.post.providers() == ["sendgrid"]
    desk.report(desk.event(email_id, Kind.DELIVERED))  # it had been sent: the status does not lie
    assert desk.only(email_id).status is Status.DELIVERED


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.BOUNCED, Kind.DROPPED])
def test_a_failed_status_puts_the_email_back_on_the_queue(desk: Desk, kind: Kind) -> None:
    email_id = desk.take(an_email())
    desk.work()
    desk.report(desk.event(email_id, kind, cause=Cause.POLICY))
    assert desk.work() == [(email_id, 2)]
    assert desk.post.providers() == ["sendgrid", "mailgun"]
    assert desk.only(email_id).status is Status.SENT


def test_a_dead_mailbox_is_not_tried_anywhere_else(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.work()
    desk.report(desk.event(email_id, Kind.DEAD, cause=Cause.RECIPIENT))
    assert desk.later(86_400) == []
    recipient = desk.only(email_id)
    assert (recipient.status, recipient.cause, recipient.detail) == (
        Status.BOUNCED,
        Cause.RECIPIENT,
        "dead by the host",
    )
    assert status(desk.head(email_id).recipients.values()) is EmailStatus.FAILED


def test_one_call_that_fails_for_several_people_is_made_again_for_all_of_them_at_once(desk: Desk) -> None:
    people = (somebody("ann"), somebody("bob"))
    email_id = desk.take(an_email(*people))
    desk.post.plan("sendgrid", UNAVAILABLE)
    desk.work()
    assert [message.to for _, message in desk.post.calls] == [people, people]
    assert {r.status for r in desk.head(email_id).recipients.values()} == {Status.SENT}
