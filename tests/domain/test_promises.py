"""Numbers that the documentation promises, as literals: a changed constant must change a promise as well."""

from app.delivery import monitor, rewrite, sweep
from app.domain import health, rounds
from app.domain.head import REPUBLISH_AFTER_MS
from app.domain.repeat import SAFETY_MARGIN_MS
from app.domain.route import PAUSE_CHECK_MS
from app.domain.suppression import LASTS_MS, Reason
from app.store.heads import SHARDS
from app.wiring.parts import LEASE_MARGIN_S, NONCE_LIFETIME_S

SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1000, 60_000, 3_600_000, 86_400_000


def test_a_breaker_opens_after_five_outages_and_for_longer_each_time() -> None:
    assert health.OUTAGES_IN_A_ROW == 5
    assert health.BREAKER_WAITS_MS == (30_000, 60_000, 120_000, 300_000, 600_000)
    assert health.PROBE_LEASE_MS == MINUTE_MS


def test_throttling_is_followed_by_a_cooldown_of_half_a_minute_to_an_hour() -> None:
    assert (health.COOLDOWN_MS, health.LONGEST_COOLDOWN_MS) == (30 * SECOND_MS, HOUR_MS)


def test_weights_move_slowly() -> None:
    assert (health.FULL_WEIGHT, health.WEIGHT_STEP, health.KEEPS_PLACE_FROM) == (100, 10, 50)
    assert (health.LOWER_EVERY_MS, health.RECOVER_EVERY_MS) == (MINUTE_MS, 15 * MINUTE_MS)
    assert (health.ERRORS_A_MINUTE, health.ERRORS_SHARE, health.BLOCKS_PER_ERROR) == (50, 0.1, 5)
    assert health.SLOW_AFTER_MS == 5 * MINUTE_MS


def test_silence_is_judged_after_a_quarter_of_an_hour() -> None:
    assert health.SILENT_AFTER_MS == 15 * MINUTE_MS
    assert (health.ENOUGH_TO_JUDGE, health.USUALLY_REPORTS, health.LEARNING_RATE) == (20, 0.5, 0.1)
    assert monitor.SILENCE_WINDOWS_MIN == (15, 240)
    assert rounds.WATCHED_FOR_QUARTERS == 8


def test_rounds_come_after_1_2_5_10_30_minutes_shortened_by_a_quarter_at_most() -> None:
    assert tuple(wait_ms // MINUTE_MS for wait_ms in rounds.ROUND_WAITS_MS) == (1, 2, 5, 10, 30)
    assert (rounds.JITTER, rounds.SHORTEST_WAIT_MS, PAUSE_CHECK_MS) == (0.25, SECOND_MS, MINUTE_MS)


def test_suppressions_last() -> None:
    days = {reason: lasts_ms // DAY_MS for reason, lasts_ms in LASTS_MS.items()}
    assert days == {
        Reason.HARD_BOUNCE: 180,
        Reason.PROVIDER_LIST: 30,
        Reason.COMPLAINED: 730,
        Reason.UNSUBSCRIBED: 730,
        Reason.MANUAL: 730,
    }


def test_leases_tokens_and_republishing() -> None:
    assert (LEASE_MARGIN_S, NONCE_LIFETIME_S) == (10, 26 * 3600)
    assert (REPUBLISH_AFTER_MS, SAFETY_MARGIN_MS) == (10 * SECOND_MS, HOUR_MS)


def test_caches_shards_and_bounded_work() -> None:
    assert (monitor.CACHE_FOR_S, monitor.FLUSH_EVERY_S) == (5, 10)
    assert (SHARDS, sweep.CHUNK, rewrite.TRIES) == (16, 100, 20)
