"""A worker that does not come back: dead between the provider's call and its own write, or only late."""

from dataclasses import replace

import pytest

from app.domain.email import Message, OnUncertain
from app.domain.head import Status
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.domain.protocol import LEASE_EXPIRED
from tests.support.crash import Crash, crash
from tests.support.harness import LEASE_S, UNCERTAIN_WAIT_S, Harness
from tests.support.outcomes import REFUSED, UNAVAILABLE, UNDELIVERABLE, accepted
from tests.support.samples import an_email


def killed(harness: Harness, on_uncertain: OnUncertain) -> str:
    """An email whose worker was killed after the provider took the email, before it could write so."""
    email_id = harness.take(an_email(on_uncertain=on_uncertain))
    harness.queue.published()
    harness.send.plan("sendgrid", crash)
    with pytest.raises(Crash):
        harness.attempt(email_id, 1)
    return email_id


@pytest.mark.parametrize("on_uncertain", OnUncertain)
def test_until_the_lease_ends_nobody_touches_the_email(harness: Harness, on_uncertain: OnUncertain) -> None:
    email_id = killed(harness, on_uncertain)
    held = harness.head(email_id)
    assert harness.later(LEASE_S - 1) == []
    harness.attempt(email_id, 1)
    harness.attempt(email_id, 2)
    assert harness.head(email_id) == held
    assert len(harness.send.calls) == 1


@pytest.mark.parametrize("on_uncertain", OnUncertain)
def test_after_the_lease_the_sweep_finds_it_and_the_attempt_is_uncertain(
    harness: Harness, on_uncertain: OnUncertain
) -> None:
    email_id = killed(harness, on_uncertain)
    assert harness.later(LEASE_S)[0] == (email_id, 2)
    told = harness.head(email_id).attempts[0]
    assert (told.outcome, told.cause, told.reply) == (Kind.UNCERTAIN, Cause.UNKNOWN, LEASE_EXPIRED)


def test_under_wait_it_is_sent_again_when_no_evidence_came(harness: Harness) -> None:
    email_id = killed(harness, OnUncertain.WAIT)
    assert harness.later(LEASE_S) == [(email_id, 2)]
    waiting = harness.only(email_id)
    assert (waiting.status, waiting.wait_until_ms) == (Status.SENDING, harness.clock.now_ms + UNCERTAIN_WAIT_S * 1000)
    assert harness.later(UNCERTAIN_WAIT_S - 1) == []
    assert len(harness.send.calls) == 1
    assert harness.later(1) == [(email_id, 2)]
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    assert harness.only(email_id).status is Status.SENT


@pytest.mark.parametrize("seconds", [1, LEASE_S + 1], ids=["before the lease ends", "in the wait"])
def test_under_wait_evidence_stops_the_second_copy(harness: Harness, seconds: int) -> None:
    email_id = killed(harness, OnUncertain.WAIT)
    harness.later(seconds)
    harness.report(harness.event(email_id, Kind.DELIVERED))
    for _ in range(5):
        harness.later(60)
    assert len(harness.send.calls) == 1
    assert harness.only(email_id).status is Status.DELIVERED
    assert harness.head(email_id).lease_until_ms is None


def test_under_failover_it_is_sent_again_when_the_lease_ends(harness: Harness) -> None:
    email_id = killed(harness, OnUncertain.FAILOVER)
    harness.later(LEASE_S)
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    assert harness.only(email_id).status is Status.SENT


def test_under_fail_it_is_never_sent_again(harness: Harness) -> None:
    email_id = killed(harness, OnUncertain.FAIL)
    harness.later(LEASE_S)
    assert harness.only(email_id).status is Status.SENDING
    harness.later(UNCERTAIN_WAIT_S)
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause) == (Status.FAILED, Cause.UNKNOWN)
    assert recipient.detail.startswith("it may have arrived")
    harness.later(86_400)
    assert len(harness.send.calls) == 1


def test_a_worker_that_dies_before_its_call_is_no_different_and_the_email_is_not_lost(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.queue.published()
    claimed_and_dead = replace(harness.attempt, send=crash)
    with pytest.raises(Crash):
        claimed_and_dead(email_id, 1)
    harness.later(LEASE_S)
    harness.later(UNCERTAIN_WAIT_S)
    assert harness.send.providers() == ["mailgun"]
    assert harness.only(email_id).status is Status.SENT


def test_a_worker_that_dies_after_its_write_is_made_up_for_by_the_sweep(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.queue.published()
    harness.send.plan("sendgrid", UNAVAILABLE)
    with pytest.raises(Crash):
        replace(harness.attempt, publish=crash)(email_id, 1)
    assert harness.later(10) == [(email_id, 2)]
    assert harness.only(email_id).status is Status.SENT


def late(harness: Harness, outcome: Outcome, on_uncertain: OnUncertain) -> str:
    """An email whose first worker was paused beyond its lease, so that another went on, and then answers."""
    email_id = harness.take(an_email(on_uncertain=on_uncertain))
    harness.queue.published()

    def paused(_: Message) -> Outcome:
        harness.later(LEASE_S)
        return outcome

    harness.send.plan("sendgrid", paused)
    harness.attempt(email_id, 1)
    return email_id


def test_a_late_acceptance_ends_the_wait_for_evidence(harness: Harness) -> None:
    email_id = late(harness, accepted("sg-late"), OnUncertain.WAIT)
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.attempt, recipient.wait_until_ms) == (Status.SENT, 1, None)
    assert harness.later(86_400) == []
    assert len(harness.send.calls) == 1
    assert harness.head(email_id).attempts[0].message_id == "sg-late"


@pytest.mark.parametrize("outcome", [UNAVAILABLE, REFUSED])
def test_a_late_refusal_ends_the_wait_too_and_the_next_provider_is_asked(harness: Harness, outcome: Outcome) -> None:
    email_id = late(harness, outcome, OnUncertain.WAIT)
    assert harness.work() == [(email_id, 2)]
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    assert [attempt.outcome for attempt in harness.head(email_id).attempts] == [outcome.kind, Kind.ACCEPTED]


@pytest.mark.parametrize("outcome", [accepted("sg-late"), UNAVAILABLE], ids=["accepted", "unavailable"])
def test_a_late_outcome_does_not_disturb_the_attempt_that_followed(harness: Harness, outcome: Outcome) -> None:
    email_id = late(harness, outcome, OnUncertain.FAILOVER)
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.attempt) == (Status.SENT, 2)
    assert harness.head(email_id).attempts[0].outcome is outcome.kind  # and the story tells what it came to
    assert harness.later(86_400) == []


def test_a_late_dead_mailbox_forbids_every_further_claim(harness: Harness) -> None:
    email_id = late(harness, UNDELIVERABLE, OnUncertain.FAILOVER)
    assert harness.only(email_id).status is Status.SENT  # the second copy is under way
    harness.report(harness.event(email_id, Kind.SOFT_BOUNCE))
    assert harness.work() == []
    assert harness.only(email_id).status is Status.BOUNCED


def test_a_late_outcome_does_not_take_the_lease_of_the_worker_that_followed(harness: Harness) -> None:
    email_id = harness.take(an_email(on_uncertain=OnUncertain.FAILOVER))
    harness.queue.published()

    def followed(_: Message) -> Outcome:
        harness.clock.advance(LEASE_S)
        with pytest.raises(Crash):
            replace(harness.attempt, send=crash)(email_id, 2)  # it claims, and is still in its call
        return accepted("sg-late")

    harness.send.plan("sendgrid", followed)
    harness.attempt(email_id, 1)
    held = harness.head(email_id)
    assert (held.lease_attempt, held.next_attempt) == (2, 3)
    assert held.lease_until_ms == harness.clock.now_ms + LEASE_S * 1000
    assert held.attempts[0].message_id == "sg-late"
    assert harness.only(email_id).status is Status.SENDING
