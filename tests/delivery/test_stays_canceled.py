"""A canceled email stays canceled: whatever is reported later, no provider is called for it any more."""

from dataclasses import replace

import pytest

from app.domain.email import Message, OnUncertain
from app.domain.head import Head, Status, Stop
from app.domain.health import SILENT_AFTER_MS, Health
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.errors import Conflict
from app.store.collapses import CollapseItem
from tests.support.aws import Aws
from tests.support.harness import PROVIDERS, Harness
from tests.support.outcomes import UNAVAILABLE, UNCERTAIN, accepted
from tests.support.samples import an_email, somebody

BAD = [Kind.BLOCKED, Kind.SOFT_BOUNCE, Kind.DROPPED]


def silent(health: Health) -> Health:
    return replace(health, silent=True)


def statuses(head: Head) -> list[Status]:
    return [recipient.status for recipient in head.recipients.values()]


def all_down(harness: Harness, **fields: object) -> str:
    """An email that waits for the next round, because every provider has answered 503."""
    for provider in PROVIDERS:
        harness.send.plan(provider, UNAVAILABLE, accepted())
    email_id = harness.take(an_email(**fields))
    harness.work()
    return email_id


def assert_never_called_again(harness: Harness, email_id: str) -> None:
    calls = len(harness.send.calls)
    while harness.until_due(email_id):
        pass
    for number in range(1, harness.head(email_id).next_attempt + 2):
        harness.attempt(email_id, number)
    assert len(harness.send.calls) == calls


@pytest.mark.parametrize("good", [Kind.DELAYED, Kind.ACCEPTED])
@pytest.mark.parametrize("bad", BAD)
def test_what_a_provider_took_is_told_and_when_it_fails_again_it_is_canceled(
    harness: Harness, good: Kind, bad: Kind
) -> None:
    """A provider answered 503 and had taken the email all the same."""
    email_id = all_down(harness)
    harness.cancel(email_id, None)
    harness.report(harness.event(email_id, good, attempt=3))
    assert harness.only(email_id).status is Status.SENT
    harness.report(harness.event(email_id, bad, attempt=3))
    assert harness.only(email_id).status is Status.CANCELED
    assert_never_called_again(harness, email_id)


def test_a_delivery_of_a_canceled_email_is_told(harness: Harness) -> None:
    email_id = all_down(harness)
    harness.cancel(email_id, None)
    harness.report(harness.event(email_id, Kind.DELIVERED, attempt=2))
    assert harness.only(email_id).status is Status.DELIVERED
    harness.report(harness.event(email_id, Kind.SOFT_BOUNCE, attempt=2))
    assert harness.only(email_id).status is Status.BOUNCED
    assert_never_called_again(harness, email_id)


def test_a_canceled_critical_email_is_not_rescued(harness: Harness) -> None:
    email_id = all_down(harness, critical=True)
    harness.cancel(email_id, None)
    harness.report(harness.event(email_id, Kind.DELAYED, attempt=1))
    assert harness.only(email_id).status is Status.SENT
    harness.another_monitor().update("sendgrid", silent)
    harness.clock.advance(SILENT_AFTER_MS / 1000)
    harness.until_due(email_id)
    assert harness.only(email_id).wait_until_ms is None  # and nobody watches it any more
    assert_never_called_again(harness, email_id)
    assert harness.only(email_id).status is Status.SENT


def test_a_rescue_that_has_not_begun_is_canceled_and_the_first_copy_is_told_as_it_is(harness: Harness) -> None:
    email_id = harness.take(an_email(critical=True))
    harness.work()
    harness.another_monitor().update("sendgrid", silent)
    for provider in ("mailgun", "ses"):
        harness.send.plan(provider, UNAVAILABLE)
    harness.clock.advance(SILENT_AFTER_MS / 1000)
    harness.attempt(email_id, 2)
    harness.work()
    assert harness.only(email_id).status is Status.QUEUED
    assert {r.status for r in harness.cancel(email_id, None).recipients.values()} == {Status.SENT}
    assert harness.cancel(email_id, None).stopped is Stop.CANCELED
    assert_never_called_again(harness, email_id)
    harness.report(harness.event(email_id, Kind.BLOCKED, attempt=1))
    assert harness.only(email_id).status is Status.CANCELED


def test_a_repetition_that_has_not_begun_is_not_made(store: Aws) -> None:
    """Somebody else of the same email is still queued, so that the cancellation succeeds."""
    harness = Harness(store, idempotent=("mailgun",))
    ann, bob = somebody("ann"), somebody("bob")
    email_id = harness.take(an_email(ann, bob))
    harness.work()
    harness.queue.published()
    harness.send.plan("mailgun", UNCERTAIN)
    harness.report(harness.event(email_id, Kind.BLOCKED, attempt=1, to=ann.key))
    harness.queue.published()
    harness.attempt(email_id, 2)  # to ann, through mailgun
    harness.report(harness.event(email_id, Kind.BLOCKED, attempt=1, to=bob.key))
    head = harness.head(email_id)
    assert (head.to_repeat, head.recipients[bob.key].status) == (2, Status.QUEUED)
    harness.cancel(email_id, None)
    assert_never_called_again(harness, email_id)
    assert {r.status for r in harness.head(email_id).recipients.values()} == {Status.CANCELED}


@pytest.mark.parametrize("outcome", [UNAVAILABLE, UNCERTAIN], ids=["surely not sent", "perhaps sent"])
@pytest.mark.parametrize("policy", OnUncertain)
def test_a_call_that_was_under_way_is_the_last(harness: Harness, policy: OnUncertain, outcome: Outcome) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    email_id = harness.take(an_email(ann, bob, on_uncertain=policy))
    harness.work()

    def call(_: Message) -> Outcome:
        harness.report(harness.event(email_id, Kind.BLOCKED, attempt=1, to=bob.key))
        assert statuses(harness.cancel(email_id, None)) == [Status.SENDING, Status.CANCELED]
        return outcome

    harness.send.plan("mailgun", call)
    harness.report(harness.event(email_id, Kind.BLOCKED, attempt=1, to=ann.key))
    harness.work()
    assert_never_called_again(harness, email_id)
    assert statuses(harness.head(email_id)) == [Status.CANCELED, Status.CANCELED]
    may_have_arrived = harness.head(email_id).recipients[ann.key].cause is Cause.UNKNOWN
    assert may_have_arrived is (outcome is UNCERTAIN)


def test_a_cancellation_that_is_refused_is_not_remembered(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.work()
    with pytest.raises(Conflict):
        harness.cancel(email_id, None)
    assert harness.head(email_id).stopped is None
    harness.report(harness.event(email_id, Kind.BLOCKED))
    harness.work()
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    assert harness.only(email_id).status is Status.SENT


@pytest.mark.parametrize("bad", BAD)
def test_a_superseded_email_stays_superseded_also_when_nobody_knows_the_newer_one_any_more(
    harness: Harness, bad: Kind
) -> None:
    bob = somebody("bob")
    email_id = all_down(harness, to=(bob,), collapse_key="status")
    harness.clock.advance(1)
    harness.take(an_email(bob, collapse_key="status"))
    harness.work()
    assert harness.only(email_id).status is Status.CANCELED
    (item,) = CollapseItem.query(f"collapse#{harness.head(email_id).collapse_scope}")
    item.delete()
    harness.report(harness.event(email_id, Kind.DELAYED, attempt=1))
    assert harness.only(email_id).status is Status.SENT
    harness.report(harness.event(email_id, bad, attempt=1))
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.detail) == (Status.CANCELED, "superseded by a newer email")
    assert_never_called_again(harness, email_id)
