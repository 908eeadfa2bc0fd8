"""After `resume`, the emails that wait for that provider are tried within two minutes, and nobody else's wait ends."""

import zlib
from dataclasses import replace
from itertools import count

from app.delivery.new_head import new_id
from app.domain.head import Status
from app.domain.health import pause
from app.domain.kinds import Cause
from app.domain.wake import SPREAD_OVER_MS
from tests.support.aws import Aws
from tests.support.harness import Harness
from tests.support.outcomes import ACCOUNT, REFUSED, UNAVAILABLE, UNCERTAIN, accepted
from tests.support.samples import an_email

MINUTE_S = 60
# The id of an email that is woken at once, and so before its own round is over.
EARLY = next(one for _ in count() if zlib.crc32((one := new_id()).encode()) % SPREAD_OVER_MS < 10_000)


def test_emails_that_wait_for_it_are_sent_within_two_minutes_and_spread(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid",))
    harness.send.plan("sendgrid", replace(UNAVAILABLE, cause=Cause.UNKNOWN))  # which opens no breaker
    emails = [harness.take(an_email()) for _ in range(8)]
    harness.work()
    for minutes in (1, 2, 5):  # until they wait for ten minutes
        harness.later(minutes * MINUTE_S)
    rounds = [harness.only(email_id).round for email_id in emails]
    assert set(rounds) == {3}
    harness.send.plan("sendgrid")
    harness.resume("sendgrid")
    harness.clock.advance(5)
    harness.sweep(within_s=60)
    waits = {harness.only(email_id).wait_until_ms for email_id in emails}
    assert len(waits) > 4
    assert max(wait or 0 for wait in waits) <= harness.clock.now_ms + 60_000
    harness.later(2 * MINUTE_S)
    assert {harness.only(email_id).status for email_id in emails} == {Status.SENT}
    assert [harness.only(email_id).round for email_id in emails] == rounds
    assert harness.healths.get("sendgrid").resumed_at_ms is None


def test_who_waits_for_a_paused_provider_is_woken(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid", "mailgun"))
    harness.another_monitor().update("sendgrid", pause)
    harness.send.plan("mailgun", ACCOUNT)
    harness.accept = replace(harness.accept, new_id=lambda: EARLY)
    email_id = harness.take(an_email())
    harness.work()
    assert harness.only(email_id).wait_until_ms
    harness.resume("sendgrid")
    harness.clock.advance(5)
    harness.sweep(within_s=60)
    assert harness.until_due(email_id)
    assert harness.send.providers() == ["mailgun", "sendgrid"]
    assert harness.only(email_id).round == 0


def test_without_any_time_left_nobody_is_woken_and_the_next_run_does_it(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid",))
    harness.another_monitor().update("sendgrid", pause)
    email_id = harness.take(an_email())
    harness.work()
    harness.resume("sendgrid")
    before = harness.head(email_id)
    harness.sweep.wake(0)
    assert harness.head(email_id) == before
    assert harness.healths.get("sendgrid").resumed_at_ms is not None
    harness.sweep.wake(60)
    assert harness.head(email_id) != before
    assert harness.healths.get("sendgrid").resumed_at_ms is None


def test_who_waits_for_evidence_goes_on_waiting(harness: Harness) -> None:
    harness.send.plan("sendgrid", UNCERTAIN)
    email_id = harness.take(an_email())
    harness.work()
    before = harness.head(email_id)
    harness.resume("sendgrid")
    harness.clock.advance(5)
    harness.sweep(within_s=60)
    assert harness.head(email_id) == before


def test_who_waits_for_a_later_round_after_a_call_of_unknown_outcome_is_woken(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid",))
    failing = replace(UNAVAILABLE, cause=Cause.UNKNOWN)  # which opens no breaker
    harness.send.plan("sendgrid", failing, failing, failing, UNCERTAIN, accepted())
    email_id = harness.take(an_email())
    while len(harness.send.calls) < 4:
        assert harness.until_due(email_id)
    assert harness.until_due(email_id)  # the wait for evidence is over
    before = harness.only(email_id)
    assert (before.status, before.round) == (Status.QUEUED, 3)
    assert (before.wait_until_ms or 0) - harness.clock.now_ms > 5 * MINUTE_S * 1000
    harness.resume("sendgrid")
    harness.later(5)
    harness.later(2 * MINUTE_S)
    assert (harness.only(email_id).status, harness.only(email_id).round) == (Status.SENT, 3)


def test_who_was_refused_there_or_may_not_go_there_goes_on_waiting(harness: Harness) -> None:
    harness.send.plan("sendgrid", REFUSED)
    for provider in ("mailgun", "ses"):
        harness.send.plan(provider, UNAVAILABLE)
    refused = harness.take(an_email())
    elsewhere = harness.take(an_email(providers=("mailgun",)))
    harness.work()
    before = [harness.head(email_id) for email_id in (refused, elsewhere)]
    assert all(head.recipients for head in before)
    harness.resume("sendgrid")
    harness.clock.advance(5)
    harness.sweep(within_s=60)
    assert [harness.head(email_id) for email_id in (refused, elsewhere)] == before


def test_one_that_was_tried_since_and_failed_again_waits_for_its_round(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid",))
    harness.send.plan("sendgrid", UNAVAILABLE)
    email_id = harness.take(an_email())
    harness.work()
    harness.resume("sendgrid")
    resumed = harness.healths.get("sendgrid")
    harness.later(MINUTE_S)
    harness.later(MINUTE_S)
    before = harness.head(email_id)
    assert len(before.attempts) == 2
    harness.another_monitor().update("sendgrid", lambda health: replace(health, resumed_at_ms=resumed.resumed_at_ms))
    harness.clock.advance(5)
    harness.sweep(within_s=60)
    assert harness.head(email_id) == before


def test_a_run_that_is_cut_short_is_done_again(store: Aws) -> None:
    harness = Harness(store, providers=("sendgrid",))
    harness.send.plan("sendgrid", UNAVAILABLE)
    email_id = harness.take(an_email())
    harness.work()
    wait = harness.only(email_id).wait_until_ms
    harness.resume("sendgrid")
    harness.sweep.wake(0)
    assert harness.only(email_id).wait_until_ms == wait
    assert harness.healths.get("sendgrid").resumed_at_ms is not None
    harness.clock.advance(5)
    harness.sweep.wake(30)
    assert harness.healths.get("sendgrid").resumed_at_ms is None
