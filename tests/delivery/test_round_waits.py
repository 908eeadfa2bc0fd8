"""A round's wait is its own: what ends earlier, because another provider may be callable by then, is no new round."""

from dataclasses import replace

import pytest

from app.domain.caps import Caps
from app.domain.head import Status
from app.domain.health import pause
from app.domain.kinds import Kind
from app.domain.rounds import JITTER, ROUND_WAITS_MS
from app.domain.route import Routing
from app.store.places import Places
from tests.support.aws import Aws
from tests.support.harness import Harness
from tests.support.outcomes import UNAVAILABLE
from tests.support.samples import an_email, somebody

MINUTE_S = 60


def called_after_s(harness: Harness, email_id: str, provider: str, until_s: float) -> list[float]:
    """When `provider` is called for this email, in seconds from now."""
    until_ms = harness.clock.now_ms + int(until_s * 1000)
    began_ms = harness.clock.now_ms
    while harness.clock.now_ms < until_ms and next_message(harness, email_id):
        pass
    attempts = harness.head(email_id).attempts
    times = [(each.started_at_ms - began_ms) / 1000 for each in attempts if each.provider == provider]
    return [time for time in times if time <= until_s]


def next_message(harness: Harness, email_id: str) -> bool:
    """Let the next message come: one that was published for later, else that of a sweep. Returns False if none will."""
    harness.work()
    if not harness.delayed:
        return harness.until_due(email_id)
    later = min(harness.delayed)
    harness.delayed.remove(later)
    at_ms, of, number = later
    assert of == email_id
    harness.clock.now_s = max(harness.clock.now_s, at_ms / 1000)
    harness.attempt(email_id, number, at_ms)
    return True


def planned_s(rounds: int) -> list[tuple[float, float]]:
    """Between which seconds each round begins, if every wait is as planned."""
    earliest = latest = 0.0
    found = [(0.0, 0.0)]
    for wait_ms in ROUND_WAITS_MS[: rounds - 1]:
        earliest, latest = earliest + wait_ms * (1 - JITTER) / 1000, latest + wait_ms / 1000
        found.append((earliest, latest))
    return found


def assert_as_planned(times: list[float], rounds: int) -> None:
    assert len(times) == rounds
    for at_s, (earliest_s, latest_s) in zip(times, planned_s(rounds), strict=True):
        assert earliest_s - 0.1 <= at_s <= latest_s + 0.1


def test_while_another_is_paused_a_provider_that_is_down_is_called_once_a_round(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid", "mailgun"))
    harness.send.plan("sendgrid", UNAVAILABLE)
    harness.monitor.update("mailgun", pause)
    email_id = harness.take(an_email())
    assert_as_planned(called_after_s(harness, email_id, "sendgrid", 18 * MINUTE_S), 5)
    assert harness.only(email_id).round == 4


class Full(Places):
    """The store of a time in which others take every place under a cap."""

    def book(self, *_: object) -> bool:
        return False


def test_while_another_has_no_place_in_this_second_neither(store: Aws) -> None:
    routing = Routing(("sendgrid", "mailgun"), caps={"mailgun": Caps(per_second=1)})
    harness = Harness(store, providers=("sendgrid", "mailgun"), routing=routing)
    harness.build(places=Full())
    harness.send.plan("sendgrid", UNAVAILABLE)
    email_id = harness.take(an_email())
    assert_as_planned(called_after_s(harness, email_id, "sendgrid", 61), 2)


def test_who_becomes_callable_meanwhile_is_called_at_once_and_that_is_no_round(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid", "mailgun"))
    harness.send.plan("sendgrid", UNAVAILABLE)
    harness.send.plan("mailgun", UNAVAILABLE)
    cooled_at_ms = harness.clock.now_ms + 20_000
    harness.another_monitor().update("mailgun", lambda health: replace(health, cooldown_until_ms=cooled_at_ms))
    email_id = harness.take(an_email())
    harness.work()
    before = harness.only(email_id)
    assert before.round_ends_at_ms is not None
    assert before.wait_until_ms == cooled_at_ms
    harness.until_due(email_id)
    assert harness.send.providers() == ["sendgrid", "mailgun"]
    after = harness.only(email_id)
    assert (after.round, after.round_ends_at_ms, after.wait_until_ms) == (0, *[before.round_ends_at_ms] * 2)
    harness.until_due(email_id)
    assert harness.send.providers() == ["sendgrid", "mailgun"] * 2
    assert harness.only(email_id).round == 1


def test_the_next_outage_begins_with_short_waits(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid", "mailgun"))
    harness.monitor.update("sendgrid", pause)
    harness.monitor.update("mailgun", pause)
    email_id = harness.take(an_email())
    for _ in range(20):
        harness.until_due(email_id)
    assert (harness.only(email_id).round, harness.only(email_id).round_ends_at_ms) == (0, None)
    harness.send.plan("sendgrid", UNAVAILABLE)
    harness.resume("sendgrid")
    harness.until_due(email_id)
    recipient = harness.only(email_id)
    assert recipient.round_ends_at_ms is not None
    assert recipient.round_ends_at_ms - harness.clock.now_ms <= ROUND_WAITS_MS[0]


def test_recipients_who_share_a_call_share_the_next_ones_too(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid",))
    harness.send.plan("sendgrid", UNAVAILABLE)
    email_id = harness.take(an_email(*[somebody() for _ in range(8)]))
    for _ in range(3):
        harness.until_due(email_id)
        recipients = harness.head(email_id).recipients.values()
        assert len({(each.wait_until_ms, each.round_ends_at_ms) for each in recipients}) == 1
    assert [len(message.to) for _, message in harness.send.calls] == [8] * 4


@pytest.mark.parametrize("pauses", [False, True])
def test_at_the_retry_deadline_the_last_round_calls_everybody_once_more(store: Aws, pauses: bool) -> None:
    harness = Harness(store, providers=("sendgrid", "mailgun"), retry_for_s=100)
    harness.send.plan("sendgrid", UNAVAILABLE)
    harness.send.plan("mailgun", UNAVAILABLE)
    if pauses:
        harness.monitor.update("mailgun", pause)
    email_id = harness.take(an_email())
    times = called_after_s(harness, email_id, "sendgrid", 200)
    assert times[0] == 0
    assert times[-1] == 100
    assert len(times) == 3
    assert harness.only(email_id).status is (Status.QUEUED if pauses else Status.FAILED)
    assert {attempt.outcome for attempt in harness.head(email_id).attempts} == {Kind.UNAVAILABLE}
