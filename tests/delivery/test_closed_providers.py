"""Emails whose providers are all closed: they wait, nobody is asked again and again, and they end in time."""

from dataclasses import replace
from typing import Any

import pytest

from app.domain.caps import Caps
from app.domain.head import Status
from app.domain.health import BREAKER_WAITS_MS, pause
from app.domain.route import Routing
from app.errors import ServiceUnavailable
from tests.support.aws import Aws
from tests.support.crash import Before
from tests.support.harness import PROVIDERS, Harness
from tests.support.outcomes import ACCOUNT, REFUSED, SENDER, THROTTLED, accepted
from tests.support.samples import an_email

HOUR_S = 3600


def break_all(harness: Harness) -> None:
    for provider in PROVIDERS:
        harness.another_monitor().record_call(provider, ACCOUNT, 1)


def test_it_waits_until_a_breaker_lets_a_probe_through(harness: Harness) -> None:
    break_all(harness)
    email_id = harness.take(an_email())
    assert harness.work() == [(email_id, 1)]
    assert harness.send.calls == []
    assert harness.only(email_id).wait_until_ms == harness.clock.now_ms + BREAKER_WAITS_MS[0]
    assert harness.later(BREAKER_WAITS_MS[0] / 1000 - 1) == []
    assert harness.later(1) == [(email_id, 1)]
    assert harness.send.providers() == ["sendgrid"]
    assert harness.only(email_id).status is Status.SENT


def test_a_probe_that_is_told_to_come_back_in_half_an_hour_does(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid",))
    harness.another_monitor().record_call("sendgrid", ACCOUNT, 1)
    harness.send.plan("sendgrid", replace(THROTTLED, retry_after_s=1800))
    harness.take(an_email())
    harness.work()
    for _ in range(30):
        harness.later(60)
    assert len(harness.send.calls) == 1
    harness.later(60)
    harness.later(60)
    assert len(harness.send.calls) == 2


def test_a_probe_whose_message_comes_twice_at_once_is_made_by_another_email(harness: Harness) -> None:
    """Both copies reach the half-open breaker; the one that takes the probe loses the claim and makes no call."""
    harness.another_monitor().record_call("sendgrid", ACCOUNT, 1)
    harness.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    email_id = harness.take(an_email())
    ((_, number),) = harness.published()
    heads: Any = Before(harness.heads, "update")
    first = replace(harness.attempt, monitor=harness.another_monitor())
    second = replace(harness.attempt, monitor=harness.another_monitor(), heads=heads)
    harness.another_monitor().update("mailgun", pause)

    def lose() -> None:
        """The other copy claims the email through another provider, because the probe is taken."""
        first(email_id, number)

    heads.arm(lose)
    second(email_id, number)
    assert harness.send.providers() == ["ses"]
    assert harness.healths.get("sendgrid").probe_until_ms is None
    harness.take(an_email())
    harness.work()
    assert harness.send.providers() == ["ses", "sendgrid"]


def test_a_probe_whose_claim_could_not_be_written_is_made_by_the_next_message(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid",))
    harness.send.plan("sendgrid", ACCOUNT, accepted())
    harness.take(an_email())
    harness.work()
    harness.clock.advance(61)
    email_id = harness.take(an_email())

    def fail() -> None:
        raise ServiceUnavailable("DynamoDB does not answer")

    with pytest.raises(ServiceUnavailable):
        replace(harness.attempt, heads=Before(harness.heads, "update", fail))(email_id, 1)
    harness.attempt(email_id, 1)
    assert harness.only(email_id).status is Status.SENT


def test_of_many_that_wait_one_probes_and_the_others_follow_when_it_is_open(harness: Harness) -> None:
    for provider in ("mailgun", "ses"):
        harness.another_monitor().update(provider, pause)
    harness.another_monitor().record_call("sendgrid", ACCOUNT, 1)
    emails = [harness.take(an_email()) for _ in range(5)]
    harness.work()
    harness.send.plan("sendgrid", ACCOUNT)
    harness.later(BREAKER_WAITS_MS[0] / 1000)
    assert len(harness.send.calls) == 1
    harness.send.plan("sendgrid")
    harness.later(BREAKER_WAITS_MS[1] / 1000)
    for _ in range(3):
        harness.later(60)
    assert {harness.only(email_id).status for email_id in emails} == {Status.SENT}
    assert len(harness.send.calls) == 1 + len(emails)


def test_at_the_retry_deadline_a_broken_provider_is_the_last_resort(harness: Harness) -> None:
    break_all(harness)
    email_id = harness.take(an_email())
    harness.clock.advance(4 * HOUR_S)
    for provider in PROVIDERS:
        harness.resume(provider)
    break_all(harness)
    harness.send.plan("sendgrid", REFUSED)
    harness.send.plan("mailgun", REFUSED)
    harness.work()
    assert harness.send.providers() == ["sendgrid", "mailgun", "ses"]
    assert harness.only(email_id).status is Status.SENT


def test_without_rounds_a_broken_provider_is_tried_after_the_others(store: Aws) -> None:
    harness = Harness(store, retry_for_s=0)
    harness.another_monitor().record_call("sendgrid", ACCOUNT, 1)
    for provider in ("mailgun", "ses"):
        harness.send.plan(provider, REFUSED)
    email_id = harness.take(an_email())
    harness.work()
    assert harness.send.providers() == ["mailgun", "ses", "sendgrid"]
    assert harness.only(email_id).status is Status.SENT


@pytest.mark.parametrize("retry_for_s", [0, 120])
def test_a_paused_provider_is_never_used_not_even_as_the_last_resort(store: Aws, retry_for_s: int) -> None:
    harness = Harness(store, retry_for_s=retry_for_s)
    for provider in PROVIDERS:
        harness.another_monitor().update(provider, pause)
    email_id = harness.take(an_email())
    harness.work()
    for _ in range(5):
        harness.later(60)
    assert harness.send.calls == []
    assert harness.only(email_id).status is Status.QUEUED


def test_a_provider_over_its_daily_cap_is_not_used_as_a_last_resort(store: Aws) -> None:
    harness = Harness(store, providers=("ses",), retry_for_s=0, routing=Routing(("ses",), caps={"ses": Caps(daily=1)}))
    assert harness.stores.places.take("ses", harness.clock.now_ms // 86_400_000, 1, 1, harness.clock())
    email_id = harness.take(an_email())
    harness.work()
    assert harness.send.calls == []
    assert harness.only(email_id).status is Status.QUEUED


def test_it_expires_while_it_waits(harness: Harness) -> None:
    break_all(harness)
    email_id = harness.take(an_email(expires_at_ms=harness.clock.now_ms + 10_000))
    harness.work()
    assert harness.only(email_id).wait_until_ms == harness.clock.now_ms + 10_000
    harness.later(10)
    assert harness.only(email_id).status is Status.EXPIRED
    assert harness.send.calls == []
    assert harness.later(HOUR_S) == []


def test_waiting_for_a_paused_provider_is_a_look_a_minute(harness: Harness) -> None:
    for provider in PROVIDERS:
        harness.another_monitor().update(provider, pause)
    harness.take(an_email())
    harness.work()
    looks = sum(len(harness.later(20)) for _ in range(12))
    assert 3 <= looks <= 4


def test_a_wrong_from_fails_over_and_takes_no_provider_away_from_others(harness: Harness) -> None:
    for _ in range(8):
        harness.send.plan("sendgrid", SENDER, accepted())
        wrong = harness.take(an_email())
        harness.work()
        assert harness.only(wrong).status is Status.SENT
        right = harness.take(an_email())
        harness.work()
        assert harness.send.providers()[-1] == "sendgrid"
        assert harness.only(right).status is Status.SENT


def test_a_wrong_from_is_tried_again_in_a_round(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid",))
    harness.send.plan("sendgrid", SENDER, accepted())
    email_id = harness.take(an_email())
    harness.work()
    assert harness.only(email_id).status is Status.QUEUED
    harness.later(120)
    assert harness.only(email_id).status is Status.SENT
