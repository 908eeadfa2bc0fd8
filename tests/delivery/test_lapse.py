"""A worker that does not come back: dead between the provider's call and its own write, or only late."""

from dataclasses import replace

import pytest

from app.domain.email import Message, OnUncertain
from app.domain.head import Status
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.domain.progress import LAPSED
from tests.support.crash import Crash, crash
from tests.support.desk import LEASE_S, UNCERTAIN_WAIT_S, Desk
from tests.support.outcomes import REFUSED, UNAVAILABLE, UNDELIVERABLE, accepted
from tests.support.samples import an_email


def killed(desk: Desk, on_uncertain: OnUncertain) -> str:
    """An email whose worker was killed after the provider took the email, before it could write so."""
    email_id = desk.take(an_email(on_uncertain=on_uncertain))
    desk.queue.published()
    desk.post.plan("sendgrid", crash)
    with pytest.raises(Crash):
        desk.attempt(email_id, 1)
    return email_id


@pytest.mark.parametrize("on_uncertain", OnUncertain)
def test_until_the_lease_ends_nobody_touches_the_email(desk: Desk, on_uncertain: OnUncertain) -> None:
    email_id = killed(desk, on_uncertain)
    held = desk.head(email_id)
    assert desk.later(LEASE_S - 1) == []
    desk.attempt(email_id, 1)
    desk.attempt(email_id, 2)
    assert desk.head(email_id) == held
    assert len(desk.post.calls) == 1


@pytest.mark.parametrize("on_uncertain", OnUncertain)
def test_after_the_lease_the_sweep_finds_it_and_the_attempt_is_uncertain(desk: Desk, on_uncertain: OnUncertain) -> None:
    email_id = killed(desk, on_uncertain)
    assert desk.later(LEASE_S)[0] == (email_id, 2)
    told = desk.head(email_id).attempts[0]
    assert (told.outcome, told.cause, told.reply) == (Kind.UNCERTAIN, Cause.UNKNOWN, LAPSED)


def test_under_wait_it_is_sent_again_when_no_evidence_came(desk: Desk) -> None:
    email_id = killed(desk, OnUncertain.WAIT)
    assert desk.later(LEASE_S) == [(email_id, 2)]
    waiting = desk.only(email_id)
    assert (waiting.status, waiting.wait_until_ms) == (Status.SENDING, desk.clock.now_ms + UNCERTAIN_WAIT_S * 1000)
    assert desk.later(UNCERTAIN_WAIT_S - 1) == []
    assert len(desk.post.calls) == 1
    assert desk.later(1) == [(email_id, 2)]
    assert desk.post.providers() == ["sendgrid", "mailgun"]
    assert desk.only(email_id).status is Status.SENT


@pytest.mark.parametrize("seconds", [1, LEASE_S + 1], ids=["before the lease ends", "in the wait"])
def test_under_wait_evidence_stops_the_second_copy(desk: Desk, seconds: int) -> None:
    email_id = killed(desk, OnUncertain.WAIT)
    desk.later(seconds)
    desk.report(desk.event(email_id, Kind.DELIVERED))
    for _ in range(5):
        desk.later(60)
    assert len(desk.post.calls) == 1
    assert desk.only(email_id).status is Status.DELIVERED
    assert desk.head(email_id).lease_until_ms is None


def test_under_failover_it_is_sent_again_when_the_lease_ends(desk: Desk) -> None:
    email_id = killed(desk, OnUncertain.FAILOVER)
    desk.later(LEASE_S)
    assert desk.post.providers() == ["sendgrid", "mailgun"]
    assert desk.only(email_id).status is Status.SENT


def test_under_fail_it_is_never_sent_again(desk: Desk) -> None:
    email_id = killed(desk, OnUncertain.FAIL)
    desk.later(LEASE_S)
    assert desk.only(email_id).status is Status.SENDING
    desk.later(UNCERTAIN_WAIT_S)
    recipient = desk.only(email_id)
    assert (recipient.status, recipient.detail) == (Status.FAILED, LAPSED)
    desk.later(86_400)
    assert len(desk.post.calls) == 1


def test_a_worker_that_dies_before_its_call_is_no_different_and_the_email_is_not_lost(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.queue.published()
    claimed_and_dead = replace(desk.attempt, send=crash)
    with pytest.raises(Crash):
        claimed_and_dead(email_id, 1)
    desk.later(LEASE_S)
    desk.later(UNCERTAIN_WAIT_S)
    assert desk.post.providers() == ["mailgun"]
    assert desk.only(email_id).status is Status.SENT


def test_a_worker_that_dies_after_its_write_is_made_up_for_by_the_sweep(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.queue.published()
    desk.post.plan("sendgrid", UNAVAILABLE)
    with pytest.raises(Crash):
        replace(desk.attempt, publish=crash)(email_id, 1)
    assert desk.later(10) == [(email_id, 2)]
    assert desk.only(email_id).status is Status.SENT


def late(desk: Desk, outcome: Outcome, on_uncertain: OnUncertain) -> str:
    """An email whose first worker was paused beyond its lease, so that another went on, and then answers."""
    email_id = desk.take(an_email(on_uncertain=on_uncertain))
    desk.queue.published()

    def paused(_: Message) -> Outcome:
        desk.later(LEASE_S)
        return outcome

    desk.post.plan("sendgrid", paused)
    desk.attempt(email_id, 1)
    return email_id


def test_a_late_acceptance_ends_the_wait_for_evidence(desk: Desk) -> None:
    email_id = late(desk, accepted("sg-late"), OnUncertain.WAIT)
    recipient = desk.only(email_id)
    assert (recipient.status, recipient.attempt, recipient.wait_until_ms) == (Status.SENT, 1, None)
    assert desk.later(86_400) == []
    assert len(desk.post.calls) == 1
    assert desk.head(email_id).attempts[0].message_id == "sg-late"


@pytest.mark.parametrize("outcome", [UNAVAILABLE, REFUSED])
def test_a_late_refusal_ends_the_wait_too_and_the_next_provider_is_asked(desk: Desk, outcome: Outcome) -> None:
    email_id = late(desk, outcome, OnUncertain.WAIT)
    assert desk.work() == [(email_id, 2)]
    assert desk.post.providers() == ["sendgrid", "mailgun"]
    assert [attempt.outcome for attempt in desk.head(email_id).attempts] == [outcome.kind, Kind.ACCEPTED]


@pytest.mark.parametrize("outcome", [accepted("sg-late"), UNAVAILABLE], ids=["accepted", "unavailable"])
def test_a_late_outcome_does_not_disturb_the_attempt_that_followed(desk: Desk, outcome: Outcome) -> None:
    email_id = late(desk, outcome, OnUncertain.FAILOVER)
    assert desk.post.providers() == ["sendgrid", "mailgun"]
    recipient = desk.only(email_id)
    assert (recipient.status, recipient.attempt) == (Status.SENT, 2)
    assert desk.head(email_id).attempts[0].outcome is outcome.kind  # and the story tells what it came to
    assert desk.later(86_400) == []


def test_a_late_dead_mailbox_forbids_every_further_claim(desk: Desk) -> None:
    email_id = late(desk, UNDELIVERABLE, OnUncertain.FAILOVER)
    assert desk.only(email_id).status is Status.SENT  # the second copy is under way
    desk.report(desk.event(email_id, Kind.BOUNCED))
    assert desk.work() == []
    assert desk.only(email_id).status is Status.BOUNCED


def test_a_late_outcome_does_not_take_the_lease_of_the_worker_that_followed(desk: Desk) -> None:
    email_id = desk.take(an_email(on_uncertain=OnUncertain.FAILOVER))
    desk.queue.published()

    def followed(_: Message) -> Outcome:
        desk.clock.advance(LEASE_S)
        with pytest.raises(Crash):
            replace(desk.attempt, send=crash)(email_id, 2)  # it claims, and is still in its call
        return accepted("sg-late")

    desk.post.plan("sendgrid", followed)
    desk.attempt(email_id, 1)
    held = desk.head(email_id)
    assert (held.lease_attempt, held.next_attempt) == (2, 3)
    assert held.lease_until_ms == desk.clock.now_ms + LEASE_S * 1000
    assert held.attempts[0].message_id == "sg-late"
    assert desk.only(email_id).status is Status.SENDING
