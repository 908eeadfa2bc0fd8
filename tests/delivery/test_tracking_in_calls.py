"""What an email asks to be tracked holds for each of its calls, and for what `explain` says."""

from itertools import pairwise

import pytest

from app.domain.email import Tracking
from app.domain.route import Availability
from tests.support.aws import Aws
from tests.support.harness import PROVIDERS, UNCERTAIN_WAIT_S, Harness
from tests.support.outcomes import REFUSED, THROTTLED, UNAVAILABLE, UNCERTAIN
from tests.support.samples import an_email, somebody

EVERY = [Tracking(opens, clicks) for opens in (False, True) for clicks in (False, True)]


@pytest.mark.parametrize("tracking", EVERY)
def test_every_provider_that_is_asked_is_told_the_same(harness: Harness, tracking: Tracking) -> None:
    harness.take(an_email(tracking=tracking))
    harness.send.plan("sendgrid", UNAVAILABLE)
    harness.send.plan("mailgun", REFUSED)
    harness.work()
    assert harness.send.providers() == ["sendgrid", "mailgun", "ses"]
    assert [message.tracking for _, message in harness.send.calls] == [tracking] * 3


@pytest.mark.parametrize("tracking", EVERY)
def test_a_later_round_and_a_later_process_tell_it_too(store: Aws, tracking: Tracking) -> None:
    harness = Harness(store)
    email_id = harness.take(an_email(tracking=tracking))
    for provider in PROVIDERS:
        harness.send.plan(provider, THROTTLED)
    harness.work()
    after_a_start = Harness(store)
    after_a_start.clock.advance(3600)
    after_a_start.attempt(email_id, 4)
    calls = [message for each in (harness, after_a_start) for _, message in each.send.calls]
    assert len(calls) == 4
    assert {message.tracking for message in calls} == {tracking}


@pytest.mark.parametrize("tracking", EVERY)
def test_a_repetition_makes_the_same_call(store: Aws, tracking: Tracking) -> None:
    harness = Harness(store, idempotent=("sendgrid",))
    harness.take(an_email(tracking=tracking))
    harness.send.plan("sendgrid", UNCERTAIN, THROTTLED)
    harness.work()
    harness.later(UNCERTAIN_WAIT_S)
    first, again, *_ = [message for provider, message in harness.send.calls if provider == "sendgrid"]
    assert (first, first.tracking) == (again, tracking)


def test_copies_for_each_recipient_are_told_the_same(harness: Harness) -> None:
    tracking = Tracking(opens=True)
    harness.take(an_email(tracking=tracking, to=(), bcc=(somebody(), somebody())))
    harness.work()
    messages = [message for _, message in harness.send.calls]
    assert len(messages) == 2
    assert all(one.tracking == other.tracking == tracking for one, other in pairwise(messages))


def test_explain_notes_nothing_of_a_provider_that_is_not_configured_any_more(store: Aws) -> None:
    harness = Harness(store, providers=("ses",))
    ses, left = harness.explain(an_email(providers=("ses", "mailgun")), "eml_dry", "team").route
    assert (ses.provider, ses.notes) == ("ses", ())
    assert (left.provider, left.availability, left.notes) == ("mailgun", Availability.PAUSED, ())
