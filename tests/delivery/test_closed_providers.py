"""Emails whose providers are all closed: they wait, nobody is asked again and again, and they end in time."""

import pytest

from app.domain.head import Status
from app.domain.health import BREAKER_WAITS_MS, paused
from app.domain.standing import Caps, Routing
from tests.support.aws import Aws
from tests.support.desk import PROVIDERS, Desk
from tests.support.outcomes import ACCOUNT, REFUSED
from tests.support.samples import an_email

HOUR_S = 3600


def break_all(desk: Desk) -> None:
    for provider in PROVIDERS:
        desk.another_monitor().called(provider, ACCOUNT, 1)


def test_it_waits_until_a_breaker_lets_a_probe_through(desk: Desk) -> None:
    break_all(desk)
    email_id = desk.take(an_email())
    assert desk.work() == [(email_id, 1)]
    assert desk.post.calls == []
    assert desk.only(email_id).wait_until_ms == desk.clock.now_ms + BREAKER_WAITS_MS[0]
    assert desk.later(BREAKER_WAITS_MS[0] / 1000 - 1) == []
    assert desk.later(1) == [(email_id, 1)]
    assert desk.post.providers() == ["sendgrid"]
    assert desk.only(email_id).status is Status.SENT


def test_of_many_that_wait_one_probes_and_the_others_follow_when_it_is_open(desk: Desk) -> None:
    for provider in ("mailgun", "ses"):
        desk.another_monitor().change(provider, paused)
    desk.another_monitor().called("sendgrid", ACCOUNT, 1)
    emails = [desk.take(an_email()) for _ in range(5)]
    desk.work()
    desk.post.plan("sendgrid", ACCOUNT)
    desk.later(BREAKER_WAITS_MS[0] / 1000)
    assert len(desk.post.calls) == 1
    desk.post.plan("sendgrid")
    desk.later(BREAKER_WAITS_MS[1] / 1000)
    for _ in range(3):
        desk.later(60)
    assert {desk.only(email_id).status for email_id in emails} == {Status.SENT}
    assert len(desk.post.calls) == 1 + len(emails)


def test_at_the_retry_deadline_a_broken_provider_is_the_last_resort(desk: Desk) -> None:
    break_all(desk)
    email_id = desk.take(an_email())
    desk.clock.advance(4 * HOUR_S)
    for provider in PROVIDERS:
        desk.resume(provider)
    break_all(desk)
    desk.post.plan("sendgrid", REFUSED)
    desk.post.plan("mailgun", REFUSED)
    desk.work()
    assert desk.post.providers() == ["sendgrid", "mailgun", "ses"]
    assert desk.only(email_id).status is Status.SENT


def test_without_rounds_a_broken_provider_is_tried_after_the_others(store: Aws) -> None:
    desk = Desk(store, retry_for_s=0)
    desk.another_monitor().called("sendgrid", ACCOUNT, 1)
    for provider in ("mailgun", "ses"):
        desk.post.plan(provider, REFUSED)
    email_id = desk.take(an_email())
    desk.work()
    assert desk.post.providers() == ["mailgun", "ses", "sendgrid"]
    assert desk.only(email_id).status is Status.SENT


@pytest.mark.parametrize("retry_for_s", [0, 120])
def test_a_paused_provider_is_never_used_not_even_as_the_last_resort(store: Aws, retry_for_s: int) -> None:
    desk = Desk(store, retry_for_s=retry_for_s)
    for provider in PROVIDERS:
        desk.another_monitor().change(provider, paused)
    email_id = desk.take(an_email())
    desk.work()
    for _ in range(5):
        desk.later(60)
    assert desk.post.calls == []
    assert desk.only(email_id).status is Status.FAILED


def test_a_provider_over_its_daily_cap_is_not_used_as_a_last_resort(store: Aws) -> None:
    desk = Desk(store, providers=("ses",), retry_for_s=0, routing=Routing(("ses",), caps={"ses": Caps(daily=1)}))
    desk.healths.add_day("ses", desk.clock.now_ms // 86_400_000, 1, desk.clock())
    email_id = desk.take(an_email())
    desk.work()
    assert desk.post.calls == []
    assert desk.only(email_id).status is Status.FAILED


def test_it_expires_while_it_waits(desk: Desk) -> None:
    break_all(desk)
    email_id = desk.take(an_email(expires_at_ms=desk.clock.now_ms + 10_000))
    desk.work()
    assert desk.only(email_id).wait_until_ms == desk.clock.now_ms + 10_000
    desk.later(10)
    assert desk.only(email_id).status is Status.EXPIRED
    assert desk.post.calls == []
    assert desk.later(HOUR_S) == []


def test_waiting_for_a_paused_provider_is_a_look_a_minute(desk: Desk) -> None:
    for provider in PROVIDERS:
        desk.another_monitor().change(provider, paused)
    desk.take(an_email())
    desk.work()
    looks = sum(len(desk.later(10)) for _ in range(60))
    assert 9 <= looks <= 10
