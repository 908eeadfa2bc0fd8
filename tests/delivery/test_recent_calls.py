"""The calls of the last five minutes, as every process reads them: from the first failure on, and at no new write."""

from app.delivery.monitor import Monitor
from app.delivery.recent_calls import CACHE_FOR_S, RecentCalls
from app.domain.calls import CallError, Calls
from app.domain.counts import Sums
from app.store.health import Healths, SumsItem
from tests.conftest import ROOT
from tests.support.calls import Seen
from tests.support.damage import damaged, put, stored
from tests.support.harness import PROVIDERS, Harness
from tests.support.outcomes import ACCOUNT, REFUSED, THROTTLED, UNAVAILABLE, accepted
from tests.support.samples import an_email
from tests.support.write_units import counted

STORAGE = ROOT / "docs" / "storage.md"


def recent(harness: Harness, provider: str = "sendgrid") -> Calls:
    """What a process finds that has counted nothing itself, such as one of the API."""
    monitor = harness.another_monitor()
    return RecentCalls(harness.healths, monitor, harness.clock, harness.monotonic)()[provider]


def test_the_first_failure_is_seen_by_another_process_at_once(harness: Harness) -> None:
    """A worker that is frozen after this email may not be woken for hours."""
    harness.take(an_email())
    harness.work()
    assert recent(harness) == Calls(made=1)
    harness.clock.advance(1)
    harness.send.plan("sendgrid", UNAVAILABLE)
    harness.take(an_email())
    harness.work()
    found = recent(harness)
    assert (found.made, found.failed) == (2, 1)
    assert found.last_error == CallError(harness.clock.now_ms, UNAVAILABLE.kind, UNAVAILABLE.cause, 503)


def test_failures_that_change_neither_weight_nor_breaker_are_counted(harness: Harness) -> None:
    for _ in range(6):
        process = harness.another_monitor()
        process.record_call("sendgrid", UNAVAILABLE, 1)
        process.flush()
    health = harness.healths.get("sendgrid")
    assert (health.weight, health.breaker_until_ms) == (100, None)
    assert (recent(harness).made, recent(harness).failed) == (6, 6)


def test_a_provider_that_is_down_costs_one_write_more_a_minute_and_none_for_each_email(harness: Harness) -> None:
    seen = Seen(harness.healths)
    monitor = Monitor(seen, PROVIDERS, harness.clock, monotonic=harness.monotonic)
    monitor.record_call("sendgrid", accepted(), 1)
    monitor.flush()
    assert seen.times("add_minute") == 1
    for _ in range(50):
        monitor.record_call("sendgrid", THROTTLED, 1)
        monitor.flush()
    assert seen.times("add_minute") == 2
    harness.clock.advance(10)
    monitor.flush()
    assert seen.times("add_minute") == 3
    assert (recent(harness).made, recent(harness).failed) == (51, 50)


def test_calls_and_the_last_error_are_written_with_the_sums_in_one_unit(harness: Harness) -> None:
    harness.monitor.record_call("sendgrid", UNAVAILABLE, 3)
    with counted() as writes:
        harness.monitor.flush()
    assert [(one.operation, one.total) for one in writes] == [("UpdateItem", 1)]
    minute = harness.clock.now_ms // 60_000
    assert harness.healths.minutes("sendgrid", 0, minute, minute) == Sums(failed=3)
    assert recent(harness).failed == 1
    assert "a failure after a minute without one is written at once" in STORAGE.read_text()


def test_nothing_that_a_provider_said_is_kept(harness: Harness) -> None:
    harness.monitor.record_call("sendgrid", ACCOUNT, 1)
    harness.monitor.flush()
    minute = harness.clock.now_ms // 60_000
    item = SumsItem.get("sendgrid", f"minute#{0:06d}#{minute:010d}")
    assert item.last_error == {
        "at_ms": harness.clock.now_ms,
        "kind": "unavailable",
        "cause": "account",
        "status_code": 401,
    }


def test_an_email_that_is_refused_for_its_own_sake_is_no_failure(harness: Harness) -> None:
    harness.monitor.record_call("sendgrid", REFUSED, 1)
    harness.monitor.flush()
    assert recent(harness) == Calls(made=1)


def test_after_five_minutes_or_a_resume_it_is_over(harness: Harness) -> None:
    for _ in range(2):
        harness.monitor.record_call("sendgrid", UNAVAILABLE, 1)
        harness.monitor.flush(now=True)
        harness.clock.advance(5 * 60)
        assert recent(harness).failed == 1
        harness.clock.advance(60)
        assert recent(harness) == Calls()
    harness.monitor.record_call("mailgun", UNAVAILABLE, 1)
    harness.monitor.flush(now=True)
    assert recent(harness, "mailgun").failed == 1
    harness.resume("mailgun")
    assert recent(harness, "mailgun") == Calls()


def test_however_often_it_is_asked_the_store_is_read_every_five_seconds(harness: Harness) -> None:
    seen = Seen(harness.healths)
    calls = RecentCalls(seen, harness.another_monitor(), harness.clock, harness.monotonic)
    for _ in range(100):
        assert calls()["sendgrid"] == Calls()
    assert seen.names == ["calls"] * len(PROVIDERS)
    harness.monitor.record_call("sendgrid", UNAVAILABLE, 1)
    harness.monitor.flush()
    harness.clock.advance(CACHE_FOR_S)
    assert calls()["sendgrid"].failed == 1
    assert len(seen.names) == 2 * len(PROVIDERS)


def test_a_minute_whose_error_cannot_be_read_hides_no_other(harness: Harness) -> None:
    for _ in range(2):
        harness.monitor.record_call("sendgrid", UNAVAILABLE, 1)
        harness.monitor.flush(now=True)
        harness.clock.advance(60)
    minute = harness.clock.now_ms // 60_000 - 1
    item = stored(SumsItem, provider="sendgrid", part=f"minute#{0:06d}#{minute:010d}")
    assert item is not None
    put(SumsItem, damaged(item, {"last_error": {"S": '{"at_ms": 1800000000000, "kind": "delivered"}'}}))
    assert recent(harness).failed == 1
    assert Healths().minutes("sendgrid", 0, minute - 1, minute) == Sums(failed=2)
