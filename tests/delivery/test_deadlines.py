"""Rounds and limits, with the clock moved by hand."""

import math

import pytest

from app.domain.email import Message
from app.domain.head import EmailStatus, Status, status
from app.domain.kinds import Kind
from app.domain.outcome import Outcome
from app.domain.rounds import JITTER, ROUND_WAITS_MS
from tests.support.aws import Aws
from tests.support.desk import PROVIDERS, Desk
from tests.support.outcomes import ACCOUNT, REFUSED, THROTTLED, UNAVAILABLE, UNCERTAIN
from tests.support.samples import an_email

HOUR_S = 3600


def all_down(desk: Desk) -> None:
    for provider in PROVIDERS:
        desk.post.plan(provider, UNAVAILABLE)


def next_round(desk: Desk, email_id: str) -> int:
    """Move to the whole second after the moment the recipient waits for; how long the wait was to be, in ms."""
    wait_until_ms = desk.only(email_id).wait_until_ms
    assert wait_until_ms is not None
    wait_ms = wait_until_ms - desk.clock.now_ms
    assert desk.later(math.ceil(wait_ms / 1000) - 1) == []
    assert desk.later(1)
    return wait_ms


def test_when_all_are_down_the_email_waits_and_is_sent_when_one_is_back(desk: Desk) -> None:
    email_id = desk.take(an_email())
    all_down(desk)
    desk.work()
    assert desk.post.providers() == ["sendgrid", "mailgun", "ses"]
    assert status(desk.head(email_id).recipients.values()) is EmailStatus.QUEUED
    desk.post.plan("mailgun")
    next_round(desk, email_id)
    assert desk.post.providers() == ["sendgrid", "mailgun", "ses", "sendgrid", "mailgun"]
    assert desk.only(email_id).status is Status.SENT
    assert [attempt.number for attempt in desk.head(email_id).attempts] == [1, 2, 3, 4, 5]


def test_a_new_round_asks_only_those_that_failed_for_a_passing_reason(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.post.plan("sendgrid", REFUSED)
    desk.post.plan("mailgun", THROTTLED)
    desk.post.plan("ses", ACCOUNT, REFUSED)
    desk.work()
    next_round(desk, email_id)
    assert desk.post.providers() == ["sendgrid", "mailgun", "ses", "mailgun", "ses"]
    next_round(desk, email_id)
    assert desk.post.providers()[5:] == ["mailgun"]


def test_rounds_come_further_and_further_apart_until_retry_for_is_over(store: Aws) -> None:
    desk = Desk(store, retry_for_s=2 * HOUR_S)
    email_id = desk.take(an_email())
    all_down(desk)
    desk.work()
    began_s, waits = desk.clock.now_s, []
    while desk.only(email_id).status is Status.QUEUED:
        waits.append(next_round(desk, email_id))
    assert desk.clock.now_s - began_s == 2 * HOUR_S  # the last round is asked at the limit
    for wait_ms, planned_ms in zip(waits[:-1], [*ROUND_WAITS_MS, *ROUND_WAITS_MS[-1:] * 20], strict=False):
        assert planned_ms * (1 - JITTER) - 1 <= wait_ms <= planned_ms
    assert len(desk.post.calls) == 3 * (len(waits) + 1)
    assert desk.only(email_id).status is Status.FAILED
    assert desk.later(30 * 86_400) == []


def test_without_rounds_an_email_has_failed_as_soon_as_none_is_left(store: Aws) -> None:
    desk = Desk(store, retry_for_s=0)
    email_id = desk.take(an_email())
    all_down(desk)
    desk.work()
    head = desk.head(email_id)
    assert desk.only(email_id).status is Status.FAILED
    assert [(a.provider, a.outcome, a.reply) for a in head.attempts] == [
        (provider, Kind.UNAVAILABLE, "no healthy upstream") for provider in PROVIDERS
    ]
    assert desk.later(HOUR_S) == []


def test_without_rounds_failover_within_the_first_goes_on_all_the_same(store: Aws) -> None:
    desk = Desk(store, retry_for_s=0)
    email_id = desk.take(an_email())
    desk.work()
    desk.clock.advance(HOUR_S)
    desk.report(desk.event(email_id, Kind.BLOCKED))
    desk.work()
    assert desk.post.providers() == ["sendgrid", "mailgun"]


def test_an_email_that_nobody_came_to_send_in_time_expires_without_a_call(desk: Desk) -> None:
    email_id = desk.take(an_email(expires_at_ms=desk.clock.now_ms + 60_000))
    desk.clock.advance(60)
    desk.work()
    assert desk.post.calls == []
    assert desk.only(email_id).status is Status.EXPIRED
    assert status(desk.head(email_id).recipients.values()) is EmailStatus.EXPIRED
    assert desk.later(86_400) == []


def test_a_millisecond_before_expires_at_it_is_still_sent(desk: Desk) -> None:
    email_id = desk.take(an_email(expires_at_ms=desk.clock.now_ms + 60_000))
    desk.clock.advance(59.999)
    desk.work()
    assert desk.only(email_id).status is Status.SENT


def test_failover_stops_at_expires_at_and_the_last_reason_is_told(desk: Desk) -> None:
    email_id = desk.take(an_email(expires_at_ms=desk.clock.now_ms + 60_000))

    def slow(_: Message) -> Outcome:
        desk.clock.advance(61)
        return UNAVAILABLE

    desk.post.plan("sendgrid", slow)
    desk.work()
    recipient = desk.only(email_id)
    assert desk.post.providers() == ["sendgrid"]
    assert (recipient.status, recipient.detail) == (Status.EXPIRED, "no healthy upstream")


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.BOUNCED])
def test_bad_news_after_expires_at_sends_nothing_again(desk: Desk, kind: Kind) -> None:
    email_id = desk.take(an_email(expires_at_ms=desk.clock.now_ms + 60_000))
    desk.work()
    desk.clock.advance(3 * 86_400)
    desk.report(desk.event(email_id, kind))
    assert desk.work() == []
    assert desk.only(email_id).status is Status.EXPIRED


def test_a_wait_for_the_next_round_ends_at_expires_at(desk: Desk) -> None:
    email_id = desk.take(an_email(expires_at_ms=desk.clock.now_ms + 30_000))
    all_down(desk)
    desk.work()
    assert desk.only(email_id).wait_until_ms == desk.clock.now_ms + 30_000
    desk.later(30)
    assert desk.only(email_id).status is Status.EXPIRED
    assert len(desk.post.calls) == 3


def test_a_wait_for_evidence_that_ends_after_expires_at_sends_nothing_again(desk: Desk) -> None:
    email_id = desk.take(an_email(expires_at_ms=desk.clock.now_ms + 30_000))
    desk.post.plan("sendgrid", UNCERTAIN)
    desk.work()
    desk.later(60)
    assert desk.post.providers() == ["sendgrid"]
    assert desk.only(email_id).status is Status.EXPIRED
