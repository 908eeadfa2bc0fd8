"""What a process counts and tells of the providers, over the real store."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from app.delivery.monitor import CACHE_FOR_S, FLUSH_EVERY_S, SILENCE_WINDOWS_MIN, Monitor
from app.domain import health as rules
from app.domain.health import BREAKER_WAITS_MS, Health, Sums, paused
from app.errors import Unavailable
from tests.support.calls import Seen
from tests.support.crash import Before
from tests.support.desk import PROVIDERS, Desk
from tests.support.outcomes import ACCOUNT, THROTTLED, UNAVAILABLE, UNDELIVERABLE, accepted

PATIENCE_S = 20
WRITES = ("update", "add_minute", "add_day", "reserve_second")


def at(desk: Desk, store: object) -> Monitor:
    return Monitor(store, PROVIDERS, desk.clock)  # type: ignore[arg-type] # because these stand before the real store


def minute_of(desk: Desk) -> int:
    return desk.clock.now_ms // 60_000


def counted(desk: Desk, provider: str = "sendgrid", epoch: int = 0) -> Sums:
    return desk.healths.minutes(provider, epoch, minute_of(desk) - 10, minute_of(desk) + 10)


def open_breaker(desk: Desk, provider: str = "sendgrid") -> Health:
    desk.another_monitor().called(provider, ACCOUNT, 1)
    return desk.healths.get(provider)


def test_a_hundred_good_calls_are_one_write(desk: Desk) -> None:
    seen = Seen(desk.healths)
    monitor = at(desk, seen)
    for _ in range(101):
        monitor.called("sendgrid", accepted(), 2)
        monitor.flush()
        monitor.healths()
    assert seen.times("add_minute") == seen.times("add_day") == 1  # the first is written at once
    assert seen.times("get_many") == 1
    desk.clock.advance(FLUSH_EVERY_S)
    monitor.flush()
    assert seen.times(*WRITES) == 4
    assert counted(desk) == Sums(accepted=202)


def test_a_process_with_little_to_do_keeps_nothing_back(desk: Desk) -> None:
    """A Lambda with one email now and then is frozen after each, and one day not woken again."""
    for calls in (1, 2, 3):
        desk.monitor.called("sendgrid", accepted(), 1)
        desk.monitor.flush()
        assert counted(desk) == Sums(accepted=calls)
        desk.clock.advance(FLUSH_EVERY_S)


def test_counts_are_written_at_most_every_ten_seconds(desk: Desk) -> None:
    seen = Seen(desk.healths)
    monitor = at(desk, seen)
    for _ in range(60):
        desk.clock.advance(1)
        monitor.called("sendgrid", UNDELIVERABLE, 1)  # counts for nothing
        monitor.called("sendgrid", accepted(), 1)
        monitor.flush()
    assert seen.times("add_minute") <= 60 / FLUSH_EVERY_S + 1  # once more where a minute ends in between
    monitor.flush(now=True)
    assert counted(desk) == Sums(accepted=60)


def test_threads_lose_no_counts(desk: Desk) -> None:
    barrier = Barrier(16)

    def work(_: int) -> None:
        barrier.wait(PATIENCE_S)
        for n in range(50):
            desk.monitor.called("sendgrid", accepted(), 1)
            desk.monitor.flush(now=n % 10 == 0)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    desk.monitor.flush(now=True)
    assert counted(desk) == Sums(accepted=800)


@pytest.mark.parametrize("failing", ["add_minute", "add_day"])
def test_what_a_failing_store_did_not_take_comes_with_the_next_flush(desk: Desk, failing: str) -> None:
    def fail() -> None:
        raise Unavailable("throttled")

    store = Before(desk.healths, failing, fail)
    monitor = at(desk, store)
    for provider in PROVIDERS:
        monitor.called(provider, accepted(), 3)
    with pytest.raises(Unavailable):
        monitor.flush(now=True)
    monitor.called("ses", accepted(), 1)
    monitor.flush(now=True)
    assert [counted(desk, provider).accepted for provider in PROVIDERS] == [3, 3, 4]


def test_sums_of_all_processes_move_the_weight_once(desk: Desk) -> None:
    processes = [desk.another_monitor() for _ in range(4)]
    for monitor in processes:
        monitor.called("sendgrid", UNAVAILABLE, 13)
    for monitor in processes[:3]:
        monitor.flush(now=True)
    assert desk.healths.get("sendgrid").weight == 100  # 39 so far
    processes[3].flush(now=True)
    assert desk.healths.get("sendgrid").weight == 90
    processes[3].called("sendgrid", UNAVAILABLE, 99)
    processes[3].flush(now=True)
    assert desk.healths.get("sendgrid").weight == 90  # at most once a minute
    desk.clock.advance(60)
    processes[3].called("sendgrid", UNAVAILABLE, 99)
    processes[3].flush(now=True)
    assert desk.healths.get("sendgrid").weight == 80


def test_if_all_look_bad_no_weight_moves(desk: Desk) -> None:
    for provider in ("mailgun", "ses", "sendgrid"):
        desk.healths.add_minute(provider, 0, minute_of(desk), Sums(failed=60), desk.clock())
    for provider in PROVIDERS:
        desk.monitor.called(provider, UNAVAILABLE, 10)
    desk.monitor.flush(now=True)
    assert {health.weight for health in desk.healths.get_many(PROVIDERS).values()} == {100}


def test_an_account_fault_is_known_to_all_at_once(desk: Desk) -> None:
    assert not desk.monitor.healths()["sendgrid"].breaker_until_ms
    opened = open_breaker(desk)
    assert opened.breaker_until_ms == desk.clock.now_ms + BREAKER_WAITS_MS[0]
    desk.clock.advance(CACHE_FOR_S)
    assert desk.monitor.healths()["sendgrid"] == opened


def test_five_outages_in_a_row_open_it_and_a_good_call_between_starts_again(desk: Desk) -> None:
    for outcome in [UNAVAILABLE] * 4 + [accepted()] + [UNAVAILABLE] * 4:
        desk.monitor.called("sendgrid", outcome, 1)
    assert desk.healths.get("sendgrid").breaker_until_ms is None
    desk.monitor.called("sendgrid", UNAVAILABLE, 1)
    assert desk.healths.get("sendgrid").breaker_until_ms is not None


def test_after_resume_it_takes_five_again(desk: Desk) -> None:
    for _ in range(5):
        desk.monitor.called("sendgrid", UNAVAILABLE, 1)
    desk.resume("sendgrid")
    desk.monitor.healths()
    for _ in range(4):
        desk.monitor.called("sendgrid", UNAVAILABLE, 1)
    assert desk.healths.get("sendgrid").breaker_until_ms is None


def test_of_many_that_would_probe_at_once_one_may(desk: Desk) -> None:
    open_breaker(desk)
    assert not desk.monitor.reserve("sendgrid", 1)
    desk.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    barrier = Barrier(16)

    def reserve(_: int) -> bool:
        process = desk.another_monitor()
        barrier.wait(PATIENCE_S)
        return process.reserve("sendgrid", 1)

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(reserve, range(16))) == 1
    assert not desk.monitor.reserve("sendgrid", 1)
    desk.clock.advance(rules.PROBE_LEASE_MS / 1000)  # the prober died
    assert desk.monitor.reserve("sendgrid", 1)


@pytest.mark.parametrize("outcome", [UNAVAILABLE, ACCOUNT])
def test_a_probe_that_fails_opens_the_breaker_for_longer(desk: Desk, outcome: object) -> None:
    open_breaker(desk)
    desk.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    prober = desk.another_monitor()
    prober.healths()
    assert prober.reserve("sendgrid", 1)
    prober.called("sendgrid", outcome, 1)  # type: ignore[arg-type] # because pytest's parameters are objects
    health = desk.healths.get("sendgrid")
    assert (health.trips, health.probe_until_ms) == (2, None)
    assert health.breaker_until_ms == desk.clock.now_ms + BREAKER_WAITS_MS[1]


def test_a_probe_that_is_accepted_closes_the_breaker_for_all(desk: Desk) -> None:
    open_breaker(desk)
    assert desk.monitor.healths()["sendgrid"].breaker_until_ms
    desk.clock.advance(BREAKER_WAITS_MS[0] / 1000)
    prober = desk.another_monitor()
    prober.healths()
    assert prober.reserve("sendgrid", 1)
    prober.called("sendgrid", accepted(), 1)
    assert desk.healths.get("sendgrid").breaker_until_ms is None
    assert desk.monitor.healths()["sendgrid"].breaker_until_ms is None  # strongly consistent: it was hindered


def test_throttling_rests_the_provider_for_all_and_many_at_once_are_no_trouble(desk: Desk) -> None:
    barrier = Barrier(24)

    def throttled(n: int) -> None:
        process = desk.another_monitor()
        barrier.wait(PATIENCE_S)
        process.called("sendgrid", replace(THROTTLED, retry_after_s=30 + n / 100), 1)

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(throttled, range(24)))
    rest_until_ms = desk.healths.get("sendgrid").rest_until_ms
    assert rest_until_ms is not None
    assert 30_000 <= rest_until_ms - desk.clock.now_ms <= 30_240


def test_after_resume_nobody_skips_the_provider_on_old_news(desk: Desk) -> None:
    desk.another_monitor().change("sendgrid", paused)
    assert desk.monitor.healths()["sendgrid"].paused
    desk.resume("sendgrid")
    assert desk.monitor.healths()["sendgrid"] == Health("sendgrid", epoch=1, version=2)


def test_a_pause_is_known_to_all_after_a_few_seconds(desk: Desk) -> None:
    assert not desk.monitor.healths()["sendgrid"].paused
    desk.another_monitor().change("sendgrid", paused)
    desk.clock.advance(CACHE_FOR_S)
    assert desk.monitor.healths()["sendgrid"].paused


def test_sums_from_before_a_resume_change_nothing(desk: Desk) -> None:
    late = desk.another_monitor()
    late.called("sendgrid", UNAVAILABLE, 500)
    desk.resume("sendgrid")
    late.flush(now=True)
    assert desk.healths.get("sendgrid") == Health("sendgrid", epoch=1, version=1)
    assert counted(desk, epoch=1) == Sums()


def test_a_process_that_only_hears_webhooks_counts_in_the_epoch_of_now(desk: Desk) -> None:
    """It never looks at a route; counted in an old epoch, its reports would be void and the provider seem silent."""
    desk.resume("sendgrid")
    listener = desk.another_monitor()
    listener.count("sendgrid", desk.clock.now_ms, Sums(heard=1))
    listener.flush(now=True)
    assert counted(desk, epoch=1) == Sums(heard=1)


def test_a_later_version_is_not_forgotten_for_an_older_read(desk: Desk) -> None:
    """Eventually consistent: the answer of a read may be older than what this process wrote itself."""
    old = desk.healths.get_many(PROVIDERS)
    store = Before(desk.healths, "get_many")
    monitor = at(desk, store)
    monitor.called("sendgrid", ACCOUNT, 1)
    store.get_many = lambda _: old  # type: ignore[attr-defined] # because the store has no such attribute
    desk.clock.advance(CACHE_FOR_S)
    assert monitor.healths()["sendgrid"].breaker_until_ms is not None


def test_a_change_that_loses_is_made_again_on_what_has_won(desk: Desk) -> None:
    store = Before(desk.healths, "update", lambda: desk.another_monitor().change("sendgrid", paused))
    at(desk, store).called("sendgrid", ACCOUNT, 1)
    health = desk.healths.get("sendgrid")
    assert health.paused
    assert health.breaker_until_ms is not None


def silent_after(desk: Desk, *, accepted_at_min: int, heard: int, accepted: int = 40) -> None:
    """Counts of a minute so long ago, of a provider that usually reports."""
    minute = minute_of(desk) - accepted_at_min
    desk.monitor.change("sendgrid", lambda health: replace(health, usual_share=0.9))
    epoch = desk.healths.get("sendgrid").epoch
    desk.healths.add_minute("sendgrid", epoch, minute, Sums(accepted=accepted, heard=heard), desk.clock())


@pytest.mark.parametrize(("minutes_ago", "is_judged"), [(15, False), (16, True), (255, True), (256, False)])
def test_the_watchdog_judges_what_was_sent_a_quarter_of_an_hour_ago(
    desk: Desk, minutes_ago: int, is_judged: bool
) -> None:
    silent_after(desk, accepted_at_min=minutes_ago, heard=0)
    desk.monitor.tend()
    health = desk.healths.get("sendgrid")
    assert (health.silent, health.weight) == ((True, 90) if is_judged else (False, 100))


def test_with_few_emails_more_minutes_are_judged_together(desk: Desk) -> None:
    for minutes_ago in range(20, 220, 10):
        silent_after(desk, accepted_at_min=minutes_ago, heard=0, accepted=1)
    desk.monitor.tend()
    assert desk.healths.get("sendgrid").silent


def test_with_many_emails_old_ones_do_not_hide_what_happens_now(desk: Desk) -> None:
    silent_after(desk, accepted_at_min=20, heard=0)
    silent_after(desk, accepted_at_min=40, heard=400, accepted=400)
    desk.monitor.tend()
    assert desk.healths.get("sendgrid").silent


def test_tending_is_done_once_a_minute(desk: Desk) -> None:
    seen = Seen(desk.healths)
    monitor = at(desk, seen)
    for _ in range(5):
        monitor.tend()
    looks = seen.times("minutes")
    assert looks == len(PROVIDERS) * len(SILENCE_WINDOWS_MIN)
    desk.clock.advance(60)
    monitor.tend()
    assert seen.times("minutes") == 2 * looks


def test_two_that_tend_at_once_move_a_weight_once(desk: Desk) -> None:
    silent_after(desk, accepted_at_min=20, heard=3)
    barrier = Barrier(4)

    def tend(_: int) -> None:
        process = desk.another_monitor()
        barrier.wait(PATIENCE_S)
        process.tend()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tend, range(4)))
    assert desk.healths.get("sendgrid").weight == 90


def test_a_resume_while_tending_is_not_undone_by_old_sums(desk: Desk) -> None:
    silent_after(desk, accepted_at_min=20, heard=0)
    store = Before(desk.healths, "minutes", lambda: desk.resume("sendgrid"))
    at(desk, store).tend()
    health = desk.healths.get("sendgrid")
    assert (health.silent, health.weight, health.epoch) == (False, 100, 1)


def test_weights_come_back_by_themselves(desk: Desk) -> None:
    now_ms = desk.clock.now_ms
    desk.monitor.change("ses", lambda health: replace(health, weight=80, moved_at_ms=now_ms))
    desk.clock.advance(15 * 60)
    desk.monitor.tend()
    assert desk.healths.get("ses").weight == 90


def test_what_happens_to_a_provider_is_logged_and_what_is_only_learned_is_not(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    minute = minute_of(desk) - 20
    desk.healths.add_minute("sendgrid", 0, minute, Sums(accepted=40, heard=36), desk.clock())
    desk.monitor.tend()
    assert desk.healths.get("sendgrid").usual_share == 0.9
    assert caplog.records == []
    desk.monitor.called("sendgrid", ACCOUNT, 1)
    (record,) = caplog.records
    assert (record.provider, record.breaker_opened) == ("sendgrid", True)  # type: ignore[attr-defined] # because extra
