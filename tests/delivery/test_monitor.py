"""What a process counts and tells of the providers, over the real store."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from app.delivery.health_cache import CACHE_FOR_S
from app.delivery.monitor import Monitor
from app.delivery.pending_counts import FLUSH_EVERY_S
from app.domain import health as rules
from app.domain.counts import Sums
from app.domain.health import BREAKER_WAITS_MS, Health, pause
from app.errors import ServiceUnavailable
from tests.support.calls import Seen
from tests.support.crash import Before
from tests.support.harness import PROVIDERS, Harness
from tests.support.outcomes import ACCOUNT, THROTTLED, UNAVAILABLE, UNDELIVERABLE, accepted

PATIENCE_S = 60
WRITES = ("update", "add_minute")


def at(harness: Harness, store: object) -> Monitor:
    return Monitor(store, PROVIDERS, harness.clock, monotonic=harness.monotonic)  # type: ignore[arg-type] # because these stand before the real store


def minute_of(harness: Harness) -> int:
    return harness.clock.now_ms // 60_000


def counted(harness: Harness, provider: str = "sendgrid", epoch: int = 0) -> Sums:
    return harness.healths.minutes(provider, epoch, minute_of(harness) - 10, minute_of(harness) + 10)


def open_breaker(harness: Harness, provider: str = "sendgrid") -> Health:
    harness.another_monitor().record_call(provider, ACCOUNT, 1)
    return harness.healths.get(provider)


def test_a_hundred_good_calls_are_one_write(harness: Harness) -> None:
    seen = Seen(harness.healths)
    monitor = at(harness, seen)
    for _ in range(101):
        monitor.record_call("sendgrid", accepted(), 2)
        monitor.flush()
        monitor.healths()
    assert seen.times("add_minute") == 1  # the first is written at once
    assert seen.times("get_many") == 1
    harness.clock.advance(FLUSH_EVERY_S)
    monitor.flush()
    assert seen.times(*WRITES) == 2
    assert counted(harness) == Sums(accepted=202)


def test_a_process_with_little_to_do_keeps_nothing_back(harness: Harness) -> None:
    """A Lambda with one email now and then is frozen after each, and one day not woken again."""
    for calls in (1, 2, 3):
        harness.monitor.record_call("sendgrid", accepted(), 1)
        harness.monitor.flush()
        assert counted(harness) == Sums(accepted=calls)
        harness.clock.advance(FLUSH_EVERY_S)


def test_counts_are_written_at_most_every_ten_seconds(harness: Harness) -> None:
    seen = Seen(harness.healths)
    monitor = at(harness, seen)
    for _ in range(60):
        harness.clock.advance(1)
        monitor.record_call("sendgrid", UNDELIVERABLE, 1)  # counts for nothing
        monitor.record_call("sendgrid", accepted(), 1)
        monitor.flush()
    assert seen.times("add_minute") <= 60 / FLUSH_EVERY_S + 1  # once more where a minute ends in between
    monitor.flush(now=True)
    assert counted(harness) == Sums(accepted=60)


def test_threads_lose_no_counts(harness: Harness) -> None:
    barrier = Barrier(16)

    def work(_: int) -> None:
        barrier.wait(PATIENCE_S)
        for n in range(50):
            harness.monitor.record_call("sendgrid", accepted(), 1)
            harness.monitor.flush(now=n % 10 == 0)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    harness.monitor.flush(now=True)
    assert counted(harness) == Sums(accepted=800)


def test_what_a_failing_store_did_not_take_comes_with_the_next_flush(harness: Harness) -> None:
    def fail() -> None:
        raise ServiceUnavailable("throttled")

    store = Before(harness.healths, "add_minute", fail)
    monitor = at(harness, store)
    for provider in PROVIDERS:
        monitor.record_call(provider, accepted(), 3)
    with pytest.raises(ServiceUnavailable):
        monitor.flush(now=True)
    monitor.record_call("ses", accepted(), 1)
    monitor.flush(now=True)
    assert [counted(harness, provider).accepted for provider in PROVIDERS] == [3, 3, 4]


def test_sums_of_all_processes_move_the_weight_once(harness: Harness) -> None:
    processes = [harness.another_monitor() for _ in range(4)]
    for monitor in processes:
        monitor.record_call("sendgrid", UNAVAILABLE, 13)
    for monitor in processes[:3]:
        monitor.flush(now=True)
    assert harness.healths.get("sendgrid").weight == 100  # 39 so far
    processes[3].flush(now=True)
    assert harness.healths.get("sendgrid").weight == 90
    processes[3].record_call("sendgrid", UNAVAILABLE, 99)
    processes[3].flush(now=True)
    assert harness.healths.get("sendgrid").weight == 90  # at most once a minute
    harness.clock.advance(60)
    processes[3].record_call("sendgrid", UNAVAILABLE, 99)
    processes[3].flush(now=True)
    assert harness.healths.get("sendgrid").weight == 80


def test_if_all_look_bad_no_weight_moves(harness: Harness) -> None:
    for provider in ("mailgun", "ses", "sendgrid"):
        harness.healths.add_minute(provider, 0, minute_of(harness), Sums(failed=60), harness.clock())
    for provider in PROVIDERS:
        harness.monitor.record_call(provider, UNAVAILABLE, 10)
    harness.monitor.flush(now=True)
    assert {health.weight for health in harness.healths.get_many(PROVIDERS).values()} == {100}


def test_an_account_fault_is_known_to_all_at_once(harness: Harness) -> None:
    assert not harness.monitor.healths()["sendgrid"].breaker_until_ms
    opened = open_breaker(harness)
    assert opened.breaker_until_ms == harness.clock.now_ms + BREAKER_WAITS_MS[0]
    harness.clock.advance(CACHE_FOR_S)
    assert harness.monitor.healths()["sendgrid"] == opened


def test_five_outages_in_a_row_open_it_and_a_good_call_between_starts_again(harness: Harness) -> None:
    for outcome in [UNAVAILABLE] * 4 + [accepted()] + [UNAVAILABLE] * 4:
        harness.monitor.record_call("sendgrid", outcome, 1)
    assert harness.healths.get("sendgrid").breaker_until_ms is None
    harness.monitor.record_call("sendgrid", UNAVAILABLE, 1)
    assert harness.healths.get("sendgrid").breaker_until_ms is not None


def test_after_resume_it_takes_five_again(harness: Harness) -> None:
    for _ in range(5):
        harness.monitor.record_call("sendgrid", UNAVAILABLE, 1)
    harness.resume("sendgrid")
    harness.monitor.healths()
    for _ in range(4):
        harness.monitor.record_call("sendgrid", UNAVAILABLE, 1)
    assert harness.healths.get("sendgrid").breaker_until_ms is None


def test_of_many_that_would_probe_at_once_one_may(harness: Harness) -> None:
    open_breaker(harness)
    assert not harness.monitor.lease_probe("sendgrid")
    harness.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    barrier = Barrier(16)

    def reserve(_: int) -> bool:
        process = harness.another_monitor()
        barrier.wait(PATIENCE_S)
        return process.lease_probe("sendgrid")

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(reserve, range(16))) == 1
    assert not harness.monitor.lease_probe("sendgrid")
    harness.clock.advance(rules.PROBE_LEASE_MS / 1000)  # the prober died
    assert harness.monitor.lease_probe("sendgrid")


@pytest.mark.parametrize("outcome", [UNAVAILABLE, ACCOUNT])
def test_a_probe_that_fails_opens_the_breaker_for_longer(harness: Harness, outcome: object) -> None:
    open_breaker(harness)
    harness.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    prober = harness.another_monitor()
    prober.healths()
    assert prober.lease_probe("sendgrid")
    prober.record_call("sendgrid", outcome, 1)  # type: ignore[arg-type] # because pytest's parameters are objects
    health = harness.healths.get("sendgrid")
    assert (health.trips, health.probe_until_ms) == (2, None)
    assert health.breaker_until_ms == harness.clock.now_ms + BREAKER_WAITS_MS[1]


def test_a_probe_that_is_accepted_closes_the_breaker_for_all(harness: Harness) -> None:
    open_breaker(harness)
    assert harness.monitor.healths()["sendgrid"].breaker_until_ms
    harness.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    prober = harness.another_monitor()
    prober.healths()
    assert prober.lease_probe("sendgrid")
    prober.record_call("sendgrid", accepted(), 1)
    assert harness.healths.get("sendgrid").breaker_until_ms is None
    assert harness.monitor.healths()["sendgrid"].breaker_until_ms is None  # strongly consistent: it was hindered


def test_throttling_rests_the_provider_for_all_and_many_at_once_are_no_trouble(harness: Harness) -> None:
    barrier = Barrier(24)

    def throttled(n: int) -> None:
        process = harness.another_monitor()
        barrier.wait(PATIENCE_S)
        process.record_call("sendgrid", replace(THROTTLED, retry_after_s=30 + n / 100), 1)

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(throttled, range(24)))
    cooldown_until_ms = harness.healths.get("sendgrid").cooldown_until_ms
    assert cooldown_until_ms is not None
    assert 30_000 <= cooldown_until_ms - harness.clock.now_ms <= 30_240


def test_after_resume_nobody_skips_the_provider_on_old_news(harness: Harness) -> None:
    harness.another_monitor().update("sendgrid", pause)
    assert harness.monitor.healths()["sendgrid"].paused
    harness.resume("sendgrid")
    resumed = Health("sendgrid", epoch=1, version=2, resumed_at_ms=harness.clock.now_ms)
    assert harness.monitor.healths()["sendgrid"] == resumed


def test_a_pause_is_known_to_all_after_a_few_seconds(harness: Harness) -> None:
    assert not harness.monitor.healths()["sendgrid"].paused
    harness.another_monitor().update("sendgrid", pause)
    harness.clock.advance(CACHE_FOR_S)
    assert harness.monitor.healths()["sendgrid"].paused


def test_sums_from_before_a_resume_change_nothing(harness: Harness) -> None:
    late = harness.another_monitor()
    late.record_call("sendgrid", UNAVAILABLE, 500)
    harness.resume("sendgrid")
    late.flush(now=True)
    assert harness.healths.get("sendgrid") == Health("sendgrid", epoch=1, version=1, resumed_at_ms=harness.clock.now_ms)
    assert counted(harness, epoch=1) == Sums()


def test_a_process_that_only_hears_webhooks_counts_in_the_epoch_of_now(harness: Harness) -> None:
    """It never looks at a route; counted in an old epoch, its reports would be void and the provider seem silent."""
    harness.resume("sendgrid")
    listener = harness.another_monitor()
    listener.count("sendgrid", harness.clock.now_ms, Sums(reported=1))
    listener.flush(now=True)
    assert counted(harness, epoch=1) == Sums(reported=1)


def test_a_later_version_is_not_forgotten_for_an_older_read(harness: Harness) -> None:
    """Eventually consistent: the answer of a read may be older than what this process wrote itself."""
    old = harness.healths.get_many(PROVIDERS)
    store = Before(harness.healths, "get_many")
    monitor = at(harness, store)
    monitor.record_call("sendgrid", ACCOUNT, 1)
    store.get_many = lambda _: old  # type: ignore[attr-defined] # because the store has no such attribute
    harness.clock.advance(CACHE_FOR_S)
    assert monitor.healths()["sendgrid"].breaker_until_ms is not None


def test_a_change_that_loses_is_made_again_on_what_has_won(harness: Harness) -> None:
    store = Before(harness.healths, "update", lambda: harness.another_monitor().update("sendgrid", pause))
    at(harness, store).record_call("sendgrid", ACCOUNT, 1)
    health = harness.healths.get("sendgrid")
    assert health.paused
    assert health.breaker_until_ms is not None


def test_a_bad_minute_lowers_a_weight_once_whatever_is_added_to_it_later(harness: Harness) -> None:
    bad_ms = harness.clock.now_ms
    harness.monitor.record_call("sendgrid", UNAVAILABLE, 60)
    harness.monitor.flush(now=True)
    assert harness.healths.get("sendgrid").weight == 90
    for addition in [Sums(reported=9)] * 5 + [Sums(slow=1), Sums(failed=9)]:
        harness.clock.advance(60)
        harness.another_monitor().count("sendgrid", bad_ms, addition)
        late = harness.another_monitor()
        late.count("sendgrid", bad_ms, addition)
        late.flush(now=True)
        assert harness.healths.get("sendgrid").weight == 90


def test_an_error_in_a_minute_that_is_not_bad_costs_no_read_of_other_counts(harness: Harness) -> None:
    seen = Seen(harness.healths)
    monitor = at(harness, seen)
    monitor.count("sendgrid", harness.clock.now_ms, Sums(accepted=60, failed=1))
    monitor.flush(now=True)
    assert seen.times("add_minute") == 1
    assert seen.times("minutes", "get", "mark_judged", "update") == 0


def test_only_what_has_errors_lowers_a_weight(harness: Harness) -> None:
    """The step of a bad minute was lost; reports of deliveries do not make up for it."""
    harness.healths.add_minute("sendgrid", 0, minute_of(harness), Sums(failed=60), harness.clock())
    harness.monitor.count("sendgrid", harness.clock.now_ms, Sums(reported=9))
    harness.monitor.flush(now=True)
    assert harness.healths.get("sendgrid").weight == 100
    harness.monitor.count("sendgrid", harness.clock.now_ms, Sums(failed=1))
    harness.monitor.flush(now=True)
    assert harness.healths.get("sendgrid").weight == 90


def test_a_call_counts_in_the_minute_in_which_it_began(harness: Harness) -> None:
    began_ms = harness.clock.now_ms
    harness.clock.advance(60)
    harness.monitor.record_call("sendgrid", accepted(), 2, began_ms)
    harness.monitor.flush(now=True)
    began_min = began_ms // 60_000
    assert harness.healths.minutes("sendgrid", 0, began_min, began_min).accepted == 2


def test_a_place_that_is_given_back_is_the_next_ones(harness: Harness) -> None:
    open_breaker(harness)
    harness.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    assert harness.monitor.lease_probe("sendgrid")
    other = harness.another_monitor()
    assert not other.lease_probe("sendgrid")
    other.end_probe("sendgrid")  # it has none
    assert not other.lease_probe("sendgrid")
    harness.monitor.end_probe("sendgrid")
    assert other.lease_probe("sendgrid")


@pytest.mark.parametrize("back_s", [-3600, -1, 5])
def test_a_pause_is_in_force_although_the_wall_clock_was_set(harness: Harness, back_s: float) -> None:
    assert not harness.monitor.healths()["sendgrid"].paused
    harness.another_monitor().update("sendgrid", pause)
    assert not harness.monitor.healths()["sendgrid"].paused
    harness.clock.advance(back_s)
    assert harness.monitor.healths()["sendgrid"].paused


def test_a_pause_is_in_force_although_the_wall_clock_stands_still(harness: Harness) -> None:
    assert not harness.monitor.healths()["sendgrid"].paused
    harness.another_monitor().update("sendgrid", pause)
    harness.monotonic.advance(CACHE_FOR_S)
    assert harness.monitor.healths()["sendgrid"].paused


def test_counts_are_written_although_the_wall_clock_was_set_back(harness: Harness) -> None:
    harness.monitor.record_call("sendgrid", accepted(), 1)
    harness.monitor.flush()
    harness.clock.advance(-3600)
    harness.monitor.record_call("sendgrid", accepted(), 1)
    harness.monitor.flush()
    assert counted(harness).accepted == 1
    assert not harness.monitor.is_flush_due()


def test_what_happens_to_a_provider_is_logged_and_what_is_only_learned_is_not(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    minute = minute_of(harness) - 20
    harness.healths.add_minute("sendgrid", 0, minute, Sums(accepted=40, reported=36), harness.clock())
    harness.judge()
    assert harness.healths.get("sendgrid").usual_share == 0.9
    assert caplog.records == []
    harness.monitor.record_call("sendgrid", ACCOUNT, 1)
    (record,) = caplog.records
    assert (record.provider, record.breaker_opened) == ("sendgrid", True)  # type: ignore[attr-defined] # because extra
