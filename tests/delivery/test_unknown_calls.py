"""Calls of unknown outcome: how often an email is sent again although nobody knows whether it has arrived."""

from contextlib import suppress
from dataclasses import replace

import pytest

from app.domain.due import due_at_ms
from app.domain.email import Message, OnUncertain
from app.domain.head import Status
from app.domain.health import pause
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from tests.support.aws import Aws
from tests.support.crash import Crash, crash
from tests.support.harness import PROVIDERS, Harness
from tests.support.outcomes import REFUSED, UNAVAILABLE, UNCERTAIN, accepted
from tests.support.samples import an_email, somebody

AT_MOST_DUE = 30  # more often than any email here may be due
MOST = {OnUncertain.WAIT: 2, OnUncertain.FAILOVER: 4, OnUncertain.FAIL: 1}


def over(store: Aws, *providers: str, **outcomes: Outcome | tuple[Outcome, ...]) -> Harness:
    """These providers, which answer as said. The others hang until the time limit."""
    harness = Harness(store, providers=providers)
    for provider in providers:
        planned = outcomes.get(provider, UNCERTAIN)
        harness.send.plan(provider, *(planned if isinstance(planned, tuple) else (planned,)))
    return harness


def until_the_end(harness: Harness, email_id: str) -> None:
    """Make attempts whenever the email is due, until it has ended or is with a provider."""
    for _ in range(AT_MOST_DUE):
        if not harness.until_due(email_id):
            return
    pytest.fail("it never ends")


def assert_may_have_arrived(harness: Harness, email_id: str, calls: int) -> None:
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause) == (Status.FAILED, Cause.UNKNOWN)
    assert recipient.detail.startswith(f"it may have arrived: nobody knows what became of {calls} call")
    assert harness.later(7 * 86_400) == []


@pytest.mark.parametrize("policy", OnUncertain)
def test_one_provider_that_hangs_is_called_as_often_as_the_email_allows(store: Aws, policy: OnUncertain) -> None:
    harness = over(store, "sendgrid")
    email_id = harness.take(an_email(on_uncertain=policy))
    until_the_end(harness, email_id)
    assert harness.send.providers() == ["sendgrid"] * MOST[policy]
    assert_may_have_arrived(harness, email_id, MOST[policy])


@pytest.mark.parametrize(
    ("policy", "called"),
    [
        (OnUncertain.WAIT, ["sendgrid", "mailgun"]),
        (OnUncertain.FAILOVER, ["sendgrid", "mailgun", "ses", "sendgrid"]),
        (OnUncertain.FAIL, ["sendgrid"]),
    ],
)
def test_three_providers_that_hang(harness: Harness, policy: OnUncertain, called: list[str]) -> None:
    """Under `wait` the email ends although a provider was never called."""
    for provider in PROVIDERS:
        harness.send.plan(provider, UNCERTAIN)
    email_id = harness.take(an_email(on_uncertain=policy))
    until_the_end(harness, email_id)
    assert harness.send.providers() == called
    assert_may_have_arrived(harness, email_id, len(called))


CALL_S, SWEEP_S = 10, 60  # a call hangs for as long as it may; what is due has just missed a sweep


@pytest.mark.parametrize(
    ("policy", "providers", "within_s"),
    [
        (OnUncertain.WAIT, 2, 260),
        (OnUncertain.WAIT, 3, 260),
        (OnUncertain.WAIT, 1, 380),
        (OnUncertain.FAILOVER, 3, 150 + CALL_S),
        (OnUncertain.FAILOVER, 1, 690 + CALL_S),
        (OnUncertain.FAIL, 3, 130),
    ],
)
def test_the_longest_time_until_it_ends_is_as_promised(
    store: Aws, policy: OnUncertain, providers: int, within_s: float
) -> None:
    harness = Harness(store, providers=PROVIDERS[:providers])

    def hang(_: Message) -> Outcome:
        harness.clock.advance(CALL_S)
        return UNCERTAIN

    for provider in PROVIDERS:
        harness.send.plan(provider, hang)
    began_s = harness.clock.now_s
    email_id = harness.take(an_email(on_uncertain=policy))
    harness.work()
    while (due_ms := due_at_ms(harness.head(email_id), harness.clock.now_ms)) is not None:
        harness.clock.now_s = due_ms / 1000 + SWEEP_S
        harness.attempt(email_id, harness.head(email_id).next_attempt)
        harness.work()
    assert len(harness.send.calls) == MOST[policy]
    assert within_s * 0.75 <= harness.clock.now_s - began_s <= within_s  # rounds are shortened by up to a quarter


@pytest.mark.parametrize("policy", [OnUncertain.WAIT, OnUncertain.FAILOVER])
def test_one_timeout_of_the_only_provider_does_not_end_the_email(store: Aws, policy: OnUncertain) -> None:
    harness = over(store, "sendgrid", sendgrid=(UNCERTAIN, accepted()))
    email_id = harness.take(an_email(on_uncertain=policy))
    until_the_end(harness, email_id)
    assert harness.send.providers() == ["sendgrid", "sendgrid"]
    assert (harness.only(email_id).status, harness.only(email_id).attempt) == (Status.SENT, 2)


@pytest.mark.parametrize("policy", [OnUncertain.WAIT, OnUncertain.FAILOVER])
def test_a_worker_that_is_killed_before_the_only_providers_call_does_not_end_the_email(
    store: Aws, policy: OnUncertain
) -> None:
    harness = over(store, "sendgrid", sendgrid=accepted())
    email_id = harness.take(an_email(on_uncertain=policy))
    harness.queue.published()
    with pytest.raises(Crash):
        replace(harness.attempt, send=crash)(email_id, 1)
    until_the_end(harness, email_id)
    assert harness.send.providers() == ["sendgrid"]
    assert harness.only(email_id).status is Status.SENT


def test_workers_that_are_killed_again_and_again_end_it_at_the_same_number(store: Aws) -> None:
    harness = over(store, "sendgrid", sendgrid=crash)  # type: ignore[arg-type] # because a plan may be a function
    email_id = harness.take(an_email())
    for _ in range(AT_MOST_DUE):
        with suppress(Crash):
            if not harness.until_due(email_id):
                break
    assert len(harness.send.calls) == 2
    assert_may_have_arrived(harness, email_id, 2)


@pytest.mark.parametrize("policy", OnUncertain)
def test_without_rounds_there_is_no_later_call(store: Aws, policy: OnUncertain) -> None:
    harness = Harness(store, providers=("sendgrid",), retry_for_s=0)
    harness.send.plan("sendgrid", UNCERTAIN)
    email_id = harness.take(an_email(on_uncertain=policy))
    until_the_end(harness, email_id)
    assert harness.send.providers() == ["sendgrid"]
    assert_may_have_arrived(harness, email_id, 1)


def test_in_a_later_round_the_others_are_called_before_the_provider_that_hung(harness: Harness) -> None:
    harness.send.plan("sendgrid", UNCERTAIN, accepted())
    harness.send.plan("mailgun", UNAVAILABLE)
    harness.send.plan("ses", UNAVAILABLE, UNAVAILABLE)
    email_id = harness.take(an_email())
    until_the_end(harness, email_id)
    assert harness.send.providers() == ["sendgrid", "mailgun", "ses", "mailgun", "ses", "sendgrid"]
    assert harness.only(email_id).status is Status.SENT


def test_a_provider_that_hung_and_then_refused_is_not_called_a_third_time(store: Aws) -> None:
    harness = over(store, "sendgrid", "mailgun", sendgrid=(UNCERTAIN, REFUSED), mailgun=REFUSED)
    email_id = harness.take(an_email())
    until_the_end(harness, email_id)
    assert harness.send.providers() == ["sendgrid", "mailgun", "sendgrid"]
    assert_may_have_arrived(harness, email_id, 1)


def test_what_was_reported_since_counts_no_more(harness: Harness) -> None:
    """Both calls are of unknown outcome; then the first is reported as failed, so that one more may follow."""
    harness.send.plan("sendgrid", UNCERTAIN)
    harness.send.plan("mailgun", UNCERTAIN)
    email_id = harness.take(an_email())
    harness.work()
    harness.later(60)
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    harness.report(harness.event(email_id, Kind.BLOCKED, attempt=1))
    harness.later(60)
    assert harness.send.providers() == ["sendgrid", "mailgun", "ses"]
    assert harness.only(email_id).status is Status.SENT


@pytest.mark.parametrize("kind", [Kind.DELIVERED, Kind.ACCEPTED])
def test_a_report_after_the_end_is_told(store: Aws, kind: Kind) -> None:
    harness = over(store, "sendgrid")
    email_id = harness.take(an_email())
    until_the_end(harness, email_id)
    harness.report(harness.event(email_id, kind, attempt=1))
    status = Status.DELIVERED if kind is Kind.DELIVERED else Status.SENT
    assert (harness.only(email_id).status, harness.only(email_id).cause) == (status, None)


@pytest.mark.parametrize("policy", OnUncertain)
def test_a_repetition_counts_with_the_call_that_it_repeats(store: Aws, policy: OnUncertain) -> None:
    harness = Harness(store, providers=("sendgrid",), idempotent=("sendgrid",))
    harness.send.plan("sendgrid", UNCERTAIN)
    email_id = harness.take(an_email(on_uncertain=policy))
    until_the_end(harness, email_id)
    keys = [message.attempt for _, message in harness.send.calls]
    assert keys[:2] == [1, 1]
    assert len(set(keys)) == MOST[policy]  # each was called twice, but for those for which the breaker was open
    assert_may_have_arrived(harness, email_id, MOST[policy])


def test_each_recipient_is_counted_for_itself(harness: Harness) -> None:
    ann, bob = somebody("ann"), somebody("bob")
    for provider in PROVIDERS:
        harness.send.plan(provider, UNCERTAIN)
    email_id = harness.take(an_email(ann, bob))
    harness.work()
    harness.report(harness.event(email_id, Kind.BLOCKED, attempt=1, to=bob.key))
    until_the_end(harness, email_id)
    calls = {
        key: [a.number for a in harness.head(email_id).attempts if key in a.recipients] for key in (ann.key, bob.key)
    }
    assert (len(calls[ann.key]), len(calls[bob.key])) == (2, 3)


def test_a_provider_that_cannot_be_called_yet_does_not_make_the_one_that_hung_wait_for_it(store: Aws) -> None:
    harness = over(store, "sendgrid", "mailgun", sendgrid=(UNCERTAIN, accepted()))
    harness.monitor.update("mailgun", pause)
    email_id = harness.take(an_email())
    until_the_end(harness, email_id)
    assert harness.send.providers() == ["sendgrid", "sendgrid"]


def test_who_expires_and_may_have_got_it_is_told_so(store: Aws) -> None:
    harness = over(store, "sendgrid")
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 90_000))
    until_the_end(harness, email_id)
    recipient = harness.only(email_id)
    assert (recipient.status, recipient.cause) == (Status.EXPIRED, Cause.UNKNOWN)
    assert recipient.detail.startswith("it may have arrived")


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.UNSUBSCRIBED, Kind.UNKNOWN])
@pytest.mark.parametrize("policy", OnUncertain)
def test_whatever_the_provider_reports_the_outcome_is_no_longer_unknown(
    store: Aws, policy: OnUncertain, kind: Kind
) -> None:
    harness = over(store, "sendgrid")
    email_id = harness.take(an_email(on_uncertain=policy))
    harness.work()
    if policy is not OnUncertain.FAILOVER:
        assert harness.until_due(email_id)  # the wait for evidence is over
    harness.report(harness.event(email_id, kind))
    assert harness.only(email_id).status is Status.SENT
    until_the_end(harness, email_id)
    assert harness.send.providers() == ["sendgrid"]
