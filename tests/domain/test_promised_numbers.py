"""The numbers of the domain that a promise of the documentation rests on, as literals.

The other tests use the constants by name, so they would not notice a wrong one.
"""

from app.domain import counts, due, health, rounds, silence, suppression, wake
from app.domain.own_entries import TAKEN_FOR_MS


def test_a_breaker_waits_longer_each_time_in_a_row() -> None:
    assert health.BREAKER_WAITS_MS == (30_000, 60_000, 120_000, 300_000, 600_000)
    assert health.PROBE_LEASE_MS == 60_000
    assert health.OUTAGES_IN_A_ROW == 5


def test_a_cooldown_lasts_half_a_minute_and_an_hour_at_most() -> None:
    assert (health.COOLDOWN_MS, health.LONGEST_COOLDOWN_MS) == (30_000, 3_600_000)


def test_a_weight_moves_slowly() -> None:
    assert (health.FULL_WEIGHT, health.WEIGHT_STEP, health.KEEPS_RANK_FROM) == (100, 10, 50)
    assert health.LOWER_EVERY_MS == 60_000
    assert health.RECOVER_EVERY_MS == 900_000


def test_a_minute_is_bad_from_so_many_errors_on() -> None:
    assert (counts.ERRORS_A_MINUTE, counts.ERRORS_SHARE, counts.BLOCKS_PER_ERROR) == (50, 0.1, 5)
    assert counts.SLOW_AFTER_MS == 300_000


def test_a_silent_provider_is_noticed_after_a_quarter_of_an_hour() -> None:
    assert health.SILENT_AFTER_MS == 900_000
    assert (silence.ENOUGH_TO_JUDGE, silence.ENOUGH_MINUTES, silence.USUALLY_REPORTS) == (20, 3, 0.4)
    assert (silence.ENOUGH_TO_FORGIVE, silence.FORGET_AFTER_MS) == (10, 4 * 3_600_000)
    assert (silence.CLEARLY_LESS, silence.NEW_USUAL_AFTER_MS) == (0.75, 86_400_000)
    assert silence.FAULT_COUNTS_FOR_MIN == 30
    assert (silence.IMPROBABLE, silence.IMPROBABLE_WHILE_SILENT) == (1e-5, 0.01)
    assert rounds.WATCHED_FOR_QUARTERS == 8


def test_after_a_resume_emails_are_spread_over_a_minute() -> None:
    assert wake.SPREAD_OVER_MS == 60_000


def test_rounds_come_ever_later() -> None:
    assert rounds.ROUND_WAITS_MS == (60_000, 120_000, 300_000, 600_000, 1_800_000)
    assert rounds.JITTER == 0.25


def test_a_suppression_ends() -> None:
    reason, day_ms = suppression.Reason, 86_400_000
    assert {
        reason.HARD_BOUNCE: day_ms,
        reason.REPEATED_HARD_BOUNCE: 180 * day_ms,
        reason.PROVIDER_LIST: 30 * day_ms,
        reason.COMPLAINED: 730 * day_ms,
        reason.UNSUBSCRIBED: 730 * day_ms,
        reason.MANUAL: 730 * day_ms,
    } == suppression.LASTS_MS
    assert suppression.BOUNCE_COUNTS_FOR_MS == suppression.LIFT_COUNTS_FOR_MS == 30 * day_ms
    assert max(TAKEN_FOR_MS.values()) == suppression.UNDOING_KEPT_FOR_MS == 730 * day_ms
    assert TAKEN_FOR_MS[reason.HARD_BOUNCE] == 180 * day_ms


def test_a_lost_message_is_published_again_after_ten_seconds() -> None:
    assert due.REPUBLISH_AFTER_MS == 10_000
