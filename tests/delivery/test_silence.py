"""The watchdog: a provider that accepts and no longer reports loses weight; critical mail is sent through the next."""

from dataclasses import replace

import pytest

from app.domain.head import Status
from app.domain.health import SILENT_AFTER_MS, Health, Sums
from app.domain.kinds import Kind
from app.domain.rescue import LOOKS
from tests.support.desk import PROVIDERS, Desk
from tests.support.samples import an_email

LOOK_S = SILENT_AFTER_MS / 1000


def usually_reports(desk: Desk, *providers: str) -> None:
    for provider in providers:
        desk.another_monitor().change(provider, lambda health: replace(health, usual_share=0.9))


def tell_silence(desk: Desk, provider: str = "sendgrid", *, heard: int = 0) -> Health:
    """Other emails of twenty minutes ago, `heard` of forty reported; the sweep looks at them."""
    minute = desk.clock.now_ms // 60_000 - 20
    epoch = desk.healths.get(provider).epoch
    desk.healths.add_minute(provider, epoch, minute, Sums(accepted=40, heard=heard), desk.clock())
    desk.another_monitor().tend()
    return desk.healths.get(provider)


def critical(desk: Desk, **fields: object) -> str:
    email_id = desk.take(an_email(critical=True, **fields))
    desk.work()
    return email_id


def test_the_whole_way_from_accepted_emails_without_a_word_to_less_weight(desk: Desk) -> None:
    """Nothing is planted: forty emails, of which none is reported on, counted by attempts and judged by the sweep."""
    usually_reports(desk, "sendgrid")
    for _ in range(40):
        desk.take(an_email())
    desk.work()
    for _ in range(20):
        desk.clock.advance(60)
        desk.take(an_email())
        desk.work()
        desk.sweep(within_s=60)
    health = desk.healths.get("sendgrid")
    assert health.silent
    assert health.weight < 100


def test_a_provider_that_reports_is_not_silent_and_its_usual_share_is_learned(desk: Desk) -> None:
    for _ in range(40):
        email_id = desk.take(an_email())
        desk.work()
        desk.report(desk.event(email_id, Kind.DELIVERED))
    desk.clock.advance(20)
    desk.monitor.flush()
    desk.clock.advance(16 * 60)
    desk.sweep(within_s=60)
    health = desk.healths.get("sendgrid")
    assert (health.silent, health.usual_share, health.weight) == (False, 1.0, 100)


def test_a_redelivered_report_counts_once(desk: Desk) -> None:
    email_id = desk.take(an_email())
    desk.work()
    event = desk.event(email_id, Kind.DELIVERED)
    for _ in range(3):
        desk.report(event)
    desk.monitor.flush(now=True)
    minute = desk.clock.now_ms // 60_000
    assert desk.healths.minutes("sendgrid", 0, minute, minute) == Sums(accepted=1, heard=1)


def test_slow_deliveries_move_the_weight(desk: Desk) -> None:
    emails = [desk.take(an_email()) for _ in range(51)]
    desk.work()
    desk.monitor.flush(now=True)
    desk.clock.advance(5 * 60 + 1)
    for email_id in emails:
        desk.report(desk.event(email_id, Kind.DELIVERED))
    desk.monitor.flush(now=True)
    assert desk.healths.get("sendgrid").weight == 90


def test_critical_mail_goes_through_the_next_provider_and_the_first_copys_receipt_still_counts(desk: Desk) -> None:
    usually_reports(desk, "sendgrid")
    email_id = critical(desk)
    assert tell_silence(desk).silent
    assert desk.later(LOOK_S - 1) == []
    assert desk.later(1) == [(email_id, 2)]
    assert desk.post.providers() == ["sendgrid", "mailgun"]
    assert (desk.only(email_id).status, desk.only(email_id).attempt) == (Status.SENT, 2)
    desk.report(desk.event(email_id, Kind.DELIVERED, attempt=1))
    assert (desk.only(email_id).status, desk.only(email_id).attempt) == (Status.DELIVERED, 1)
    for _ in range(LOOKS + 2):
        assert desk.later(LOOK_S) == []


def test_other_mail_is_not_sent_again(desk: Desk) -> None:
    usually_reports(desk, "sendgrid")
    email_id = desk.take(an_email())
    desk.work()
    tell_silence(desk)
    for _ in range(LOOKS + 2):
        assert desk.later(LOOK_S) == []
    assert desk.only(email_id).status is Status.SENT


def test_with_all_silent_each_is_asked_once(desk: Desk) -> None:
    usually_reports(desk, *PROVIDERS)
    email_id = critical(desk)
    for provider in PROVIDERS:
        tell_silence(desk, provider)
    for _ in range(3 * LOOKS):
        desk.later(LOOK_S)
    assert sorted(desk.post.providers()) == sorted(PROVIDERS)
    assert desk.only(email_id).status is Status.SENT
    assert desk.later(30 * 86_400) == []


def test_when_the_provider_speaks_again_nothing_more_is_sent_again(desk: Desk) -> None:
    usually_reports(desk, "sendgrid")
    email_id = critical(desk)
    assert tell_silence(desk).silent
    assert not tell_silence(desk, heard=40).silent
    for _ in range(LOOKS + 2):
        desk.later(LOOK_S)
    assert desk.post.providers() == ["sendgrid"]
    assert desk.only(email_id).status is Status.SENT


def test_silence_that_is_noticed_later_is_acted_on_at_the_next_look(desk: Desk) -> None:
    usually_reports(desk, "sendgrid")
    email_id = critical(desk)
    assert desk.later(LOOK_S) == [(email_id, 2)]  # a look, no call
    assert desk.post.providers() == ["sendgrid"]
    tell_silence(desk)
    desk.later(LOOK_S)
    assert desk.post.providers() == ["sendgrid", "mailgun"]


def test_watching_ends_after_eight_looks(desk: Desk) -> None:
    email_id = critical(desk)
    looks = sum(len(desk.later(LOOK_S)) for _ in range(2 * LOOKS))
    assert looks == LOOKS
    assert desk.only(email_id).wait_until_ms is None


@pytest.mark.parametrize("kind", [Kind.DELIVERED, Kind.ENGAGED])
def test_a_delivered_one_is_not_looked_at(desk: Desk, kind: Kind) -> None:
    usually_reports(desk, "sendgrid")
    email_id = critical(desk)
    desk.report(desk.event(email_id, kind))
    tell_silence(desk)
    for _ in range(3):
        assert desk.later(LOOK_S) == []
    assert desk.only(email_id).status is Status.DELIVERED


def test_one_that_is_too_old_to_send_stays_sent(desk: Desk) -> None:
    """It was taken by a provider; that nobody reported on it does not make it expired."""
    usually_reports(desk, "sendgrid")
    email_id = critical(desk, expires_at_ms=desk.clock.now_ms + 600_000)
    tell_silence(desk)
    desk.later(LOOK_S)
    assert desk.post.providers() == ["sendgrid"]
    assert desk.only(email_id).status is Status.SENT
