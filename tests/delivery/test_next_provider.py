"""What each outcome leads to: the next provider, the end, or patience."""

from dataclasses import replace

import pytest

from app.domain.email import OnUncertain
from app.domain.head import EmailStatus, Status, status
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from tests.support.aws import Aws
from tests.support.harness import UNCERTAIN_WAIT_S, Harness
from tests.support.outcomes import (
    ACCOUNT,
    ON_PROVIDER_LIST,
    REFUSED,
    THROTTLED,
    UNAVAILABLE,
    UNCERTAIN,
    UNDELIVERABLE,
)
from tests.support.samples import an_email, somebody


@pytest.mark.parametrize("fault", [UNAVAILABLE, ACCOUNT, THROTTLED, REFUSED], ids=lambda o: f"{o.kind}-{o.cause}")
def test_what_surely_was_not_sent_goes_to_the_next_provider_at_once(harness: Harness, fault: Outcome) -> None:
    email_id = harness.take(an_email())
    harness.send.plan("sendgrid", fault)
    assert harness.work() == [(email_id, 1), (email_id, 2)]
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    head = harness.head(email_id)
    first, second = head.attempts
    assert (first.provider, first.outcome, first.cause) == ("sendgrid", fault.kind, fault.cause)
    assert (first.status_code, first.reply) == (fault.status_code, fault.reply)
    assert (second.provider, second.outcome) == ("mailgun", Kind.ACCEPTED)
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.attempt, recipient.cause) == (Status.SENT, 2, None)


def test_the_third_provider_gets_what_the_first_two_did_not_take(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.send.plan("sendgrid", ACCOUNT)
    harness.send.plan("mailgun", THROTTLED)
    harness.work()
    assert harness.send.providers() == ["sendgrid", "mailgun", "ses"]
    assert [message.attempt for _, message in harness.send.calls] == [1, 2, 3]
    assert harness.only(email_id).status is Status.SENT


def test_when_all_refuse_the_email_has_failed_and_every_reason_is_told(harness: Harness) -> None:
    email_id = harness.take(an_email())
    for n, provider in enumerate(("sendgrid", "mailgun", "ses")):
        harness.send.plan(provider, replace(REFUSED, reply=f"no {n}"))
    assert harness.work() == [(email_id, 1), (email_id, 2), (email_id, 3)]  # nobody has to ask a fourth time
    head = harness.head(email_id)
    assert [(a.provider, a.outcome, a.reply) for a in head.attempts] == [
        ("sendgrid", Kind.REFUSED, "no 0"),
        ("mailgun", Kind.REFUSED, "no 1"),
        ("ses", Kind.REFUSED, "no 2"),
    ]
    assert status(head.recipients.values()) is EmailStatus.FAILED
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause, recipient.detail) == (Status.FAILED, Cause.MESSAGE, "no 2")
    assert harness.later(86_400) == []


@pytest.mark.parametrize(("fault", "end"), [(UNDELIVERABLE, Status.BOUNCED), (ON_PROVIDER_LIST, Status.SUPPRESSED)])
def test_a_recipient_at_fault_ends_and_no_other_provider_is_asked(
    harness: Harness, fault: Outcome, end: Status
) -> None:
    email_id = harness.take(an_email())
    harness.send.plan("sendgrid", fault)
    assert harness.work() == [(email_id, 1)]
    assert harness.send.providers() == ["sendgrid"]
    assert harness.only(email_id).status is end
    assert harness.later(86_400) == []


def test_an_email_goes_to_the_providers_it_names_only_in_the_configured_order(harness: Harness) -> None:
    email_id = harness.take(an_email(providers=("ses", "mailgun")))
    harness.send.plan("mailgun", REFUSED)
    harness.work()
    assert harness.send.providers() == ["mailgun", "ses"]
    assert harness.only(email_id).status is Status.SENT


def test_an_email_whose_only_provider_is_no_longer_configured_waits_for_it_and_then_says_why(store: Aws) -> None:
    email_id = Harness(store, providers=("sendgrid", "ses")).take(an_email(providers=("ses",)))
    harness = Harness(store, providers=("sendgrid",))
    harness.attempt(email_id, 1)
    assert harness.only(email_id).status is Status.QUEUED
    harness.clock.advance(harness.settings.retry_for_s)
    harness.attempt(email_id, 1)
    assert harness.only(email_id).status is Status.QUEUED
    harness.clock.now_s = harness.head(email_id).expires_at_ms / 1000
    harness.attempt(email_id, 1)
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause) == (Status.EXPIRED, Cause.LIMIT)
    assert recipient.detail == "not sent before expires_at: waits for ses, not in PROVIDERS"
    assert harness.send.calls == []


def test_an_email_whose_only_provider_comes_back_is_sent(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid", "ses"))
    email_id = harness.take(an_email(providers=("ses",)))
    Harness(store, providers=("sendgrid",)).attempt(email_id, 1)
    harness.clock.advance(120)
    harness.attempt(email_id, 1)
    assert harness.send.providers() == ["ses"]


def test_uncertain_waits_for_evidence_then_goes_to_the_next_provider(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.send.plan("sendgrid", UNCERTAIN)
    harness.work()
    waiting = harness.only(email_id)
    assert waiting.status is Status.SENDING
    assert waiting.wait_until_ms == harness.clock.now_ms + UNCERTAIN_WAIT_S * 1000
    assert harness.later(UNCERTAIN_WAIT_S - 1) == []
    assert harness.later(1) == [(email_id, 2)]
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    assert harness.only(email_id).status is Status.SENT


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.DELAYED, Kind.DELIVERED, Kind.OPENED, Kind.CLICKED])
def test_evidence_within_the_wait_means_no_second_copy(harness: Harness, kind: Kind) -> None:
    email_id = harness.take(an_email())
    harness.send.plan("sendgrid", UNCERTAIN)
    harness.work()
    harness.clock.advance(UNCERTAIN_WAIT_S - 1)
    harness.report(harness.event(email_id, kind))
    assert harness.later(86_400) == []
    assert harness.send.providers() == ["sendgrid"]
    assert harness.only(email_id).status is (Status.DELIVERED if kind is Kind.DELIVERED else Status.SENT)


@pytest.mark.parametrize("look", [Kind.OPENED, Kind.CLICKED])
@pytest.mark.parametrize("refusal", [Kind.BLOCKED, Kind.SOFT_BOUNCE, Kind.DROPPED])
def test_a_block_after_a_gateway_has_looked_goes_to_the_next_provider(
    harness: Harness, look: Kind, refusal: Kind
) -> None:
    email_id = harness.take(an_email())
    harness.work()
    harness.report(harness.event(email_id, look))
    assert harness.only(email_id).status is Status.SENT
    harness.report(harness.event(email_id, refusal))
    harness.work()
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    assert harness.only(email_id).status is Status.SENT


def test_evidence_that_comes_after_the_second_copy_is_told_all_the_same(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.send.plan("sendgrid", UNCERTAIN)
    harness.work()
    harness.later(UNCERTAIN_WAIT_S)
    harness.report(harness.event(email_id, Kind.DELIVERED, attempt=1))
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.attempt) == (Status.DELIVERED, 1)


def test_uncertain_under_failover_goes_on_at_once(harness: Harness) -> None:
    email_id = harness.take(an_email(on_uncertain=OnUncertain.FAILOVER))
    harness.send.plan("sendgrid", UNCERTAIN)
    assert harness.work() == [(email_id, 1), (email_id, 2)]
    assert harness.send.providers() == ["sendgrid", "mailgun"]


def test_uncertain_under_fail_never_risks_a_second_copy(harness: Harness) -> None:
    email_id = harness.take(an_email(on_uncertain=OnUncertain.FAIL))
    harness.send.plan("sendgrid", UNCERTAIN)
    harness.work()
    assert harness.only(email_id).status is Status.SENDING
    harness.later(UNCERTAIN_WAIT_S)
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause) == (Status.FAILED, Cause.UNKNOWN)
    assert recipient.detail.startswith("it may have arrived: nobody knows what became of 1 call,")
    harness.later(86_400)
    assert harness.send.providers() == ["sendgrid"]
    harness.report(harness.event(email_id, Kind.DELIVERED))  # it had been sent: the status does not lie
    assert harness.only(email_id).status is Status.DELIVERED


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.SOFT_BOUNCE, Kind.DROPPED])
def test_a_failed_status_puts_the_email_back_on_the_queue(harness: Harness, kind: Kind) -> None:
    email_id = harness.take(an_email())
    harness.work()
    harness.report(harness.event(email_id, kind, cause=Cause.POLICY))
    assert harness.work() == [(email_id, 2)]
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    assert harness.only(email_id).status is Status.SENT


def test_a_dead_mailbox_is_not_tried_anywhere_else(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.work()
    harness.report(harness.event(email_id, Kind.HARD_BOUNCE, cause=Cause.RECIPIENT))
    assert harness.later(86_400) == []
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause, recipient.detail) == (
        Status.BOUNCED,
        Cause.RECIPIENT,
        "hard_bounce by the host",
    )
    assert status(harness.head(email_id).recipients.values()) is EmailStatus.FAILED


def test_one_call_that_fails_for_several_people_is_made_again_for_all_of_them_at_once(harness: Harness) -> None:
    people = (somebody("ann"), somebody("bob"))
    email_id = harness.take(an_email(*people))
    harness.send.plan("sendgrid", UNAVAILABLE)
    harness.work()
    assert [message.to for _, message in harness.send.calls] == [people, people]
    assert {r.status for r in harness.head(email_id).recipients.values()} == {Status.SENT}
