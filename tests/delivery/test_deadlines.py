"""Rounds and limits, with the clock moved by hand."""

import math

import pytest

from app.domain.email import Message
from app.domain.head import EmailStatus, Status, status
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.domain.rounds import JITTER, ROUND_WAITS_MS
from tests.support.aws import Aws
from tests.support.harness import PROVIDERS, Harness
from tests.support.outcomes import ACCOUNT, REFUSED, THROTTLED, UNAVAILABLE, UNCERTAIN
from tests.support.samples import an_email

HOUR_S = 3600


def all_down(harness: Harness) -> None:
    for provider in PROVIDERS:
        harness.send.plan(provider, UNAVAILABLE)


def next_round(harness: Harness, email_id: str) -> int:
    """Move to the whole second after the moment the recipient waits for; how long the wait was to be, in ms."""
    wait_until_ms = harness.only(email_id).wait_until_ms
    assert wait_until_ms is not None
    wait_ms = wait_until_ms - harness.clock.now_ms
    assert harness.later(math.ceil(wait_ms / 1000) - 1) == []
    assert harness.later(1)
    return wait_ms


def test_when_all_are_down_the_email_waits_and_is_sent_when_one_is_back(harness: Harness) -> None:
    email_id = harness.take(an_email())
    all_down(harness)
    harness.work()
    assert harness.send.providers() == ["sendgrid", "mailgun", "ses"]
    assert status(harness.head(email_id).recipients.values()) is EmailStatus.QUEUED
    harness.send.plan("mailgun")
    next_round(harness, email_id)
    assert harness.send.providers() == ["sendgrid", "mailgun", "ses", "sendgrid", "mailgun"]
    assert harness.only(email_id).status is Status.SENT
    assert [attempt.number for attempt in harness.head(email_id).attempts] == [1, 2, 3, 4, 5]


def test_a_new_round_asks_only_those_that_failed_for_a_passing_reason(harness: Harness) -> None:
    email_id = harness.take(an_email())
    harness.send.plan("sendgrid", REFUSED)
    harness.send.plan("mailgun", THROTTLED)
    harness.send.plan("ses", ACCOUNT, REFUSED)
    harness.work()
    next_round(harness, email_id)
    assert harness.send.providers() == ["sendgrid", "mailgun", "ses", "mailgun", "ses"]
    next_round(harness, email_id)
    assert harness.send.providers()[5:] == ["mailgun"]


def test_rounds_come_further_and_further_apart_until_retry_for_is_over(store: Aws) -> None:
    harness = Harness(store, retry_for_s=2 * HOUR_S)
    email_id = harness.take(an_email())
    all_down(harness)
    harness.work()
    began_s, waits = harness.clock.now_s, []
    while harness.only(email_id).status is Status.QUEUED:
        waits.append(next_round(harness, email_id))
    assert harness.clock.now_s - began_s == 2 * HOUR_S  # the last round is asked at the limit
    for wait_ms, planned_ms in zip(waits[:-1], [*ROUND_WAITS_MS, *ROUND_WAITS_MS[-1:] * 20], strict=False):
        assert planned_ms * (1 - JITTER) - 1 <= wait_ms <= planned_ms
    assert len(harness.send.calls) == 3 * (len(waits) + 1)
    assert harness.only(email_id).status is Status.FAILED
    assert harness.later(30 * 86_400) == []


def test_without_rounds_an_email_has_failed_as_soon_as_none_is_left(store: Aws) -> None:
    harness = Harness(store, retry_for_s=0)
    email_id = harness.take(an_email())
    all_down(harness)
    harness.work()
    head = harness.head(email_id)
    assert harness.only(email_id).status is Status.FAILED
    assert [(a.provider, a.outcome, a.reply) for a in head.attempts] == [
        (provider, Kind.UNAVAILABLE, "no healthy upstream") for provider in PROVIDERS
    ]
    assert harness.later(HOUR_S) == []


def test_without_rounds_failover_within_the_first_goes_on_all_the_same(store: Aws) -> None:
    harness = Harness(store, retry_for_s=0)
    email_id = harness.take(an_email())
    harness.work()
    harness.clock.advance(HOUR_S)
    harness.report(harness.event(email_id, Kind.BLOCKED))
    harness.work()
    assert harness.send.providers() == ["sendgrid", "mailgun"]


def test_an_email_that_nobody_came_to_send_in_time_expires_without_a_call(harness: Harness) -> None:
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 60_000))
    harness.clock.advance(60)
    harness.work()
    assert harness.send.calls == []
    assert harness.only(email_id).status is Status.EXPIRED
    assert status(harness.head(email_id).recipients.values()) is EmailStatus.EXPIRED
    assert harness.later(86_400) == []


def test_a_millisecond_before_expires_at_it_is_still_sent(harness: Harness) -> None:
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 60_000))
    harness.clock.advance(59.999)
    harness.work()
    assert harness.only(email_id).status is Status.SENT


def test_failover_stops_at_expires_at_and_the_last_reason_is_told(harness: Harness) -> None:
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 60_000))

    def slow(_: Message) -> Outcome:
        harness.clock.advance(61)
        return UNAVAILABLE

    harness.send.plan("sendgrid", slow)
    harness.work()
    recipient = harness.only(email_id)
    assert harness.send.providers() == ["sendgrid"]
    assert (recipient.status, recipient.detail) == (Status.EXPIRED, "no healthy upstream")


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.SOFT_BOUNCE])
def test_bad_news_after_expires_at_sends_nothing_again(harness: Harness, kind: Kind) -> None:
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 60_000))
    harness.work()
    harness.clock.advance(3 * 86_400)
    harness.report(harness.event(email_id, kind))
    assert harness.work() == []
    assert harness.only(email_id).status is Status.EXPIRED


def test_a_wait_for_the_next_round_ends_at_expires_at(harness: Harness) -> None:
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 30_000))
    all_down(harness)
    harness.work()
    assert harness.only(email_id).wait_until_ms == harness.clock.now_ms + 30_000
    harness.later(30)
    assert harness.only(email_id).status is Status.EXPIRED
    assert len(harness.send.calls) == 3


def test_a_wait_for_evidence_that_ends_after_expires_at_sends_nothing_again(harness: Harness) -> None:
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 30_000))
    harness.send.plan("sendgrid", UNCERTAIN)
    harness.work()
    harness.later(60)
    assert harness.send.providers() == ["sendgrid"]
    assert harness.only(email_id).status is Status.EXPIRED
