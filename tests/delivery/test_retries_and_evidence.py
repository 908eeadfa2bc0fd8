"""What is known of a recipient, or is learned late, when an email is retried; and processes that die meanwhile."""

from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

import pytest

from app.domain.head import Evidence, Status
from app.domain.kinds import Kind
from app.domain.retry import Again
from tests.support.crash import Crash
from tests.support.faults import FaultInjector, FaultMode, FaultyStore
from tests.support.harness import Harness
from tests.support.outcomes import UNDELIVERABLE, accepted
from tests.support.retrying import ALLOWED, again, failed, of_unknown_outcome, refused
from tests.support.samples import an_email, somebody

DAY_S = 24 * 3600


# Mailboxes that bounced


@pytest.mark.parametrize("kind", [Kind.HARD_BOUNCE, Kind.MAILBOX_CONDITION, Kind.SUPPRESSED])
def test_who_bounced_or_was_suppressed_is_retried_once_nothing_suppresses_the_address(
    harness: Harness, kind: Kind
) -> None:
    ann = somebody("ann")
    email_id = harness.take(an_email(ann))
    harness.work()
    event = harness.event(email_id, kind, event_id="first")
    harness.report(event)
    assert harness.only(email_id).status in (Status.BOUNCED, Status.SUPPRESSED)
    assert refused(harness, email_id).startswith("nobody is failed or expired")
    if kind is not Kind.MAILBOX_CONDITION:
        assert "is on the suppression list" in refused(harness, email_id, Again((ann.key,)))
        harness.clock.advance(1)
        harness.lift(ann.key)
    again(harness, email_id, Again((ann.key,)))
    queued = harness.head(email_id)
    harness.report(event)  # the same webhook comes again
    assert harness.head(email_id) == queued
    harness.work()
    assert harness.only(email_id).status is Status.SENT
    harness.report(event)
    assert harness.only(email_id).status is Status.SENT
    harness.report(harness.event(email_id, kind, event_id="second"))
    # A provider's own list keeps nobody from the next provider once the address was lifted.
    assert harness.only(email_id).status is (Status.QUEUED if kind is Kind.SUPPRESSED else Status.BOUNCED)


def test_a_bounce_that_was_not_known_yet_ends_the_retry(harness: Harness) -> None:
    email_id = of_unknown_outcome(harness)
    again(harness, email_id, ALLOWED)
    calls = len(harness.send.calls)
    harness.report(harness.event(email_id, Kind.MAILBOX_CONDITION, attempt=1))
    harness.work()
    assert harness.only(email_id).status is Status.BOUNCED
    assert len(harness.send.calls) == calls


def test_who_is_suppressed_after_the_retry_gets_nothing(harness: Harness) -> None:
    email_id = failed(harness)
    again(harness, email_id)
    harness.report(harness.event(email_id, Kind.COMPLAINED, attempt=1))
    harness.work()
    assert harness.head(email_id).next_attempt == 4


def test_a_hard_bounce_of_the_retry_alone_does_not_make_the_old_one_a_second(harness: Harness) -> None:
    """The webhook of the first bounce comes again after the retry, which is not the bounce of a later email."""
    ann = somebody("ann")
    email_id = harness.take(an_email(ann))
    harness.work()
    event = harness.event(email_id, Kind.HARD_BOUNCE, event_id="first")
    harness.report(event)
    harness.clock.advance(2 * DAY_S)  # the suppression by a first bounce is over
    again(harness, email_id, Again((ann.key,)))
    harness.report(event)
    suppression = harness.suppression(ann.key)
    assert suppression is None


# Evidence that comes late, and processes that die


@pytest.mark.parametrize("kind", [Kind.DELIVERED, Kind.ACCEPTED, Kind.DELAYED])
def test_a_copy_that_turns_out_to_have_arrived_ends_the_retry(harness: Harness, kind: Kind) -> None:
    email_id = of_unknown_outcome(harness)
    again(harness, email_id, ALLOWED)
    calls = len(harness.send.calls)
    harness.report(harness.event(email_id, kind, attempt=1))
    harness.work()
    harness.attempt(email_id, harness.head(email_id).next_attempt)
    assert harness.only(email_id).status is (Status.DELIVERED if kind is Kind.DELIVERED else Status.SENT)
    assert len(harness.send.calls) == calls


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("mode", [FaultMode.BEFORE, FaultMode.AFTER])
def test_wherever_a_retry_dies_it_is_made_whole_or_not_at_all(harness: Harness, number: int, mode: FaultMode) -> None:
    email_id = failed(harness, key=uuid4().hex)
    harness.clock.advance(DAY_S)
    before, faults = harness.head(email_id), FaultInjector()
    names = ("heads", "contents", "events", "keys", "suppressions")
    parts = harness.another_process(**{name: FaultyStore(getattr(harness.stores, name), faults) for name in names})
    dying = replace(parts.retry, publish=faults.wrap(parts.retry.publish))
    faults.arm((number, mode))
    with suppress(Crash):
        dying(email_id, "team", Again())
    faults.arm(None)
    head = harness.head(email_id)
    is_written = head.version > before.version
    assert is_written or head == before
    harness.later(11)
    harness.later(60)
    assert harness.only(email_id).status is (Status.SENT if is_written else Status.FAILED)
    if not is_written:
        again(harness, email_id)
        harness.work()
        assert harness.only(email_id).status is Status.SENT


def test_an_old_message_makes_no_second_call(harness: Harness) -> None:
    email_id = failed(harness)
    again(harness, email_id)
    for _ in range(2):
        for number in range(1, 6):
            harness.attempt(email_id, number)
    harness.work()
    assert [one.outcome for one in harness.head(email_id).attempts].count(Kind.ACCEPTED) == 1


def test_a_recipient_at_fault_of_one_call_alone_is_marked(harness: Harness) -> None:
    harness.send.plan("sendgrid", UNDELIVERABLE)
    ann = somebody("ann")
    email_id = harness.take(an_email(ann))
    harness.work()
    harness.clock.advance(1)
    harness.lift(ann.key)
    harness.send.plan("sendgrid", accepted())
    again(harness, email_id, Again((ann.key,)))
    assert Evidence.RETRIED in harness.only(email_id).evidence[1]
    harness.work()
    assert harness.only(email_id).status is Status.SENT
