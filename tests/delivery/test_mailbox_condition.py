"""A mailbox that is full, disabled or too small for an email is so for every provider, and for now."""

import pytest

from app.domain.head import Status
from app.domain.kinds import Cause, Kind
from tests.support.harness import Harness
from tests.support.outcomes import UNAVAILABLE
from tests.support.samples import an_email, somebody

FULL = Kind.MAILBOX_CONDITION


def test_it_is_the_end_of_the_email_and_no_other_provider_is_asked(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.work()
    harness.report(harness.event(email_id, FULL, cause=Cause.MAILBOX))
    assert harness.later(86_400) == []
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause) == (Status.BOUNCED, Cause.MAILBOX)
    assert recipient.detail == "mailbox_condition by the host"
    assert harness.send.providers() == ["sendgrid"]


def test_nobody_is_suppressed_and_the_next_email_is_sent(harness: Harness) -> None:
    bob = somebody("bob")
    email_id = harness.take(an_email(bob))
    harness.work()
    harness.report(harness.event(email_id, FULL, cause=Cause.MAILBOX))
    assert harness.suppression(bob.key) is None
    again = harness.take(an_email(bob))
    harness.work()
    assert harness.only(again).status is Status.SENT


def test_it_is_remembered_of_an_older_attempt_when_the_current_one_fails(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.work()
    harness.report(harness.event(email_id, Kind.SOFT_BOUNCE))
    harness.work()
    harness.report(harness.event(email_id, FULL, attempt=1, cause=Cause.MAILBOX))
    assert harness.only(email_id).status is Status.SENT  # the copy under way may still arrive
    harness.report(harness.event(email_id, Kind.BLOCKED))
    assert harness.later(86_400) == []
    assert harness.only(email_id).status is Status.BOUNCED
    assert harness.send.providers() == ["sendgrid", "mailgun"]


def test_a_round_that_waits_ends_with_it(harness: Harness) -> None:
    for name in ("sendgrid", "mailgun", "ses"):
        harness.send.plan(name, UNAVAILABLE)
    email_id = harness.take(an_email())
    harness.work()
    assert harness.only(email_id).wait_until_ms is not None
    harness.report(harness.event(email_id, FULL, attempt=1, cause=Cause.MAILBOX))
    assert harness.later(86_400) == []
    assert harness.only(email_id).status is Status.BOUNCED


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.DROPPED, FULL])
def test_delivered_and_then_returned_for_whatever_reason_is_bounced(harness: Harness, kind: Kind) -> None:
    bob = somebody("bob")
    email_id = harness.take(an_email(bob))
    harness.work()
    harness.report(harness.event(email_id, Kind.DELIVERED))
    harness.report(harness.event(email_id, kind, cause=Cause.POLICY))
    harness.report(harness.event(email_id, Kind.DELIVERED))  # the receipt once more
    assert harness.later(86_400) == []
    assert (harness.only(email_id).status, harness.only(email_id).cause) == (Status.BOUNCED, Cause.POLICY)
    assert harness.send.providers() == ["sendgrid"]
    assert harness.suppression(bob.key) is None
