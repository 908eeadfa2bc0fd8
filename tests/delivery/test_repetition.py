"""A call whose outcome nobody knows, at a provider that knows idempotency keys: over the real store and queue."""

from dataclasses import replace

import pytest

from app.domain.email import OnUncertain
from app.domain.head import Status
from app.domain.health import pause
from app.domain.kinds import Kind
from tests.support.aws import Aws
from tests.support.crash import Crash, crash
from tests.support.harness import LEASE_S, UNCERTAIN_WAIT_S, Harness
from tests.support.outcomes import UNAVAILABLE, UNCERTAIN, accepted
from tests.support.samples import an_email, somebody


@pytest.fixture
def keyed(store: Aws) -> Harness:
    """SendGrid played as a provider that knows idempotency keys."""
    return Harness(store, idempotent=("sendgrid",))


@pytest.mark.parametrize("policy", OnUncertain)
def test_it_is_repeated_at_once_word_for_word(keyed: Harness, policy: OnUncertain) -> None:
    email_id = keyed.take(an_email(somebody("ann"), bcc=(somebody("bob"),), on_uncertain=policy))
    keyed.send.plan("sendgrid", UNCERTAIN, accepted())
    assert keyed.work() == [(email_id, 1), (email_id, 2)]
    first, again = keyed.send.calls
    assert again == first
    head = keyed.head(email_id)
    assert {recipient.status for recipient in head.recipients.values()} == {Status.SENT}
    assert [(attempt.outcome, attempt.repeats) for attempt in head.attempts] == [
        (Kind.UNCERTAIN, 0),
        (Kind.ACCEPTED, 1),
    ]
    keyed.report(keyed.event(email_id, Kind.DELIVERED, attempt=1))
    assert Status.DELIVERED in {recipient.status for recipient in keyed.head(email_id).recipients.values()}


def test_if_it_says_nothing_either_evidence_is_waited_for_and_then_the_next_provider_asked(keyed: Harness) -> None:
    email_id = keyed.take(an_email())
    keyed.send.plan("sendgrid", UNCERTAIN, UNAVAILABLE)
    assert keyed.work() == [(email_id, 1), (email_id, 2)]
    assert keyed.only(email_id).status is Status.SENDING
    keyed.later(UNCERTAIN_WAIT_S)
    assert keyed.send.providers() == ["sendgrid", "sendgrid", "mailgun"]
    assert (keyed.only(email_id).status, keyed.only(email_id).attempt) == (Status.SENT, 3)


@pytest.mark.parametrize("called", [False, True])
def test_a_worker_that_died_at_the_call_costs_no_second_copy(keyed: Harness, *, called: bool) -> None:
    email_id = keyed.take(an_email(on_uncertain=OnUncertain.FAIL))
    keyed.queue.published()
    keyed.send.plan("sendgrid", *([crash] if called else []), accepted())
    dying = keyed.attempt if called else replace(keyed.attempt, send=crash)
    with pytest.raises(Crash):
        dying(email_id, 1)
    assert keyed.later(LEASE_S) == [(email_id, 2)]
    assert {message.attempt for _, message in keyed.send.calls} == {1}
    assert (keyed.only(email_id).status, keyed.only(email_id).attempt) == (Status.SENT, 1)


def test_a_lost_message_is_made_good_by_the_sweep(keyed: Harness) -> None:
    email_id = keyed.take(an_email())
    keyed.queue.published()
    keyed.send.plan("sendgrid", UNCERTAIN, accepted())
    keyed.attempt(email_id, 1)
    assert keyed.queue.published() == [(email_id, 2)]  # and lost
    keyed.later(10)
    assert keyed.only(email_id).status is Status.SENT


@pytest.mark.parametrize(("hours", "is_repeated"), [(22.9, True), (23, False), (48, False)])
@pytest.mark.parametrize("policy", OnUncertain)
def test_the_keys_age_counts_when_the_repetition_is_made_and_not_when_it_is_planned(
    keyed: Harness, policy: OnUncertain, hours: float, *, is_repeated: bool
) -> None:
    """The key is known for a day; its message and every sweep were lost for that long."""
    expires_at_ms = keyed.clock.now_ms + 72 * 3_600_000
    email_id = keyed.take(an_email(on_uncertain=policy, expires_at_ms=expires_at_ms))
    keyed.queue.published()
    keyed.send.plan("sendgrid", UNCERTAIN, accepted())
    keyed.attempt(email_id, 1)
    assert keyed.head(email_id).to_repeat == 1
    keyed.queue.published()
    keyed.clock.advance(hours * 3600)
    keyed.attempt(email_id, 2)
    if is_repeated:
        assert keyed.send.providers() == ["sendgrid", "sendgrid"]
    else:
        assert keyed.send.providers() == (["sendgrid"] if policy is OnUncertain.FAIL else ["sendgrid", "mailgun"])
        assert keyed.head(email_id).to_repeat == 0


def test_a_provider_that_promises_no_key_any_more_is_not_called_again(store: Aws) -> None:
    """Another release, or other settings, were deployed between the plan and the repetition."""
    before = Harness(store, idempotent=("sendgrid",))
    email_id = before.take(an_email())
    before.queue.published()
    before.send.plan("sendgrid", UNCERTAIN)
    before.attempt(email_id, 1)
    after = Harness(store)
    after.clock.now_s = before.clock.now_s
    after.attempt(email_id, 2)
    assert after.send.calls == []
    assert after.only(email_id).status is Status.SENDING


def test_a_provider_that_was_paused_meanwhile_is_not_asked_again(keyed: Harness) -> None:
    email_id = keyed.take(an_email())
    keyed.queue.published()
    keyed.send.plan("sendgrid", UNCERTAIN)
    keyed.attempt(email_id, 1)
    keyed.monitor.update("sendgrid", pause)
    keyed.work()
    assert keyed.send.providers() == ["sendgrid"]
    assert keyed.only(email_id).status is Status.SENDING
    keyed.later(UNCERTAIN_WAIT_S)
    assert keyed.send.providers() == ["sendgrid", "mailgun"]


def test_a_webhook_that_overtakes_it_makes_it_needless(keyed: Harness) -> None:
    email_id = keyed.take(an_email())
    keyed.queue.published()
    keyed.send.plan("sendgrid", UNCERTAIN)
    keyed.attempt(email_id, 1)
    keyed.report(keyed.event(email_id, Kind.ACCEPTED))
    keyed.work()
    assert keyed.send.providers() == ["sendgrid"]
    assert keyed.only(email_id).status is Status.SENT
