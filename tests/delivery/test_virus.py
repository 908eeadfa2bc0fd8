"""A virus that a provider itself has found is in the email whoever sends it."""

import pytest

from app.domain.email import OnUncertain
from app.domain.head import Status
from app.domain.kinds import Cause, Kind
from tests.support.harness import Harness
from tests.support.outcomes import UNAVAILABLE, UNCERTAIN
from tests.support.samples import an_email, somebody


def test_it_is_the_end_of_the_email_and_no_other_provider_is_asked(harness: Harness) -> None:
    bob = somebody("bob")
    email_id = harness.take(an_email(bob))
    harness.work()
    harness.report(harness.event(email_id, Kind.VIRUS, cause=Cause.MESSAGE))
    assert harness.later(86_400) == []
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause, recipient.detail) == (Status.FAILED, Cause.MESSAGE, "virus by the host")
    assert harness.send.providers() == ["sendgrid"]
    assert harness.suppression(bob.key) is None


def test_it_is_remembered_of_an_older_attempt_when_the_current_one_fails(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.work()
    harness.report(harness.event(email_id, Kind.SOFT_BOUNCE))
    harness.work()
    harness.report(harness.event(email_id, Kind.VIRUS, attempt=1, cause=Cause.MESSAGE))
    assert harness.only(email_id).status is Status.SENT  # the copy under way may still arrive
    harness.report(harness.event(email_id, Kind.BLOCKED, cause=Cause.POLICY))
    assert harness.later(86_400) == []
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause) == (Status.FAILED, Cause.MESSAGE)
    assert recipient.detail == "a provider has found a virus in this email"
    assert harness.send.providers() == ["sendgrid", "mailgun"]


def test_a_round_that_waits_ends_with_it(harness: Harness) -> None:
    for name in ("sendgrid", "mailgun", "ses"):
        harness.send.plan(name, UNAVAILABLE)
    email_id = harness.take(an_email())
    harness.work()
    assert harness.only(email_id).wait_until_ms is not None
    harness.report(harness.event(email_id, Kind.VIRUS, attempt=1, cause=Cause.MESSAGE))
    assert harness.later(86_400) == []
    assert (harness.only(email_id).status, harness.only(email_id).cause) == (Status.FAILED, Cause.MESSAGE)


def test_what_may_have_arrived_is_said(harness: Harness) -> None:
    """The provider whose answer was lost may look for no viruses."""
    email_id = harness.take(an_email(on_uncertain=OnUncertain.FAILOVER))
    harness.send.plan("sendgrid", UNCERTAIN)
    harness.work()
    harness.report(harness.event(email_id, Kind.VIRUS, cause=Cause.MESSAGE))
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause) == (Status.FAILED, Cause.UNKNOWN)
    assert recipient.detail.startswith("it may have arrived")


def test_a_canceled_email_stays_canceled(harness: Harness) -> None:
    for name in ("sendgrid", "mailgun", "ses"):
        harness.send.plan(name, UNAVAILABLE)
    email_id = harness.take(an_email())
    harness.work()
    harness.cancel(email_id, None)
    harness.report(harness.event(email_id, Kind.VIRUS, attempt=1, cause=Cause.MESSAGE))
    assert harness.only(email_id).status is Status.CANCELED


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.DROPPED])
def test_a_verdict_of_spam_or_content_goes_on_to_the_next_provider(harness: Harness, kind: Kind) -> None:
    email_id = harness.take(an_email())
    harness.work()
    harness.report(harness.event(email_id, kind, cause=Cause.POLICY))
    harness.work()
    assert harness.send.providers() == ["sendgrid", "mailgun"]


def test_it_is_in_the_copies_of_the_others_too(harness: Harness) -> None:
    ann, bob, cem = somebody("ann"), somebody("bob"), somebody("cem")
    email_id = harness.take(an_email(ann, bob, cem))
    harness.work()
    harness.report(harness.event(email_id, Kind.DELIVERED, to=cem.key))
    harness.report(harness.event(email_id, Kind.VIRUS, to=ann.key, cause=Cause.MESSAGE))
    harness.report(harness.event(email_id, Kind.BLOCKED, to=bob.key, cause=Cause.POLICY))
    assert harness.later(86_400) == []
    recipients = harness.head(email_id).recipients
    assert [recipients[one.key].status for one in (ann, bob, cem)] == [Status.FAILED, Status.FAILED, Status.DELIVERED]
    assert recipients[bob.key].cause is Cause.MESSAGE
    assert harness.send.providers() == ["sendgrid"]


def test_who_has_a_call_of_their_own_gets_none_after_it(harness: Harness) -> None:
    """Nobody is in `to`."""
    email_id = harness.take(an_email(to=(), bcc=(somebody(), somebody())))
    ((_, number),) = harness.published()
    harness.attempt(email_id, number)
    harness.report(harness.event(email_id, Kind.VIRUS, cause=Cause.MESSAGE))
    harness.later(86_400)
    assert {recipient.status for recipient in harness.head(email_id).recipients.values()} == {Status.FAILED}
    assert harness.send.providers() == ["sendgrid"]
