"""What moves a provider's weight, opens its breaker, lets it rest; and what must not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import health as rules
from app.domain.counts import Sums, count_outcome
from app.domain.health import BREAKER_WAITS_MS, Health, after_call, move_away, recover_weight
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from tests.support.outcomes import (
    ACCOUNT,
    ON_PROVIDER_LIST,
    REFUSED,
    SENDER,
    THROTTLED,
    UNAVAILABLE,
    UNCERTAIN,
    UNDELIVERABLE,
    accepted,
)

NOW_MS = 1_800_000_000_000
MINUTE_MS = 60_000
NEW = Health("ses")
OVER_QUOTA = Outcome(Kind.THROTTLED, Cause.LIMIT, 429, "quota")
BAD, GOOD = Sums(accepted=100, failed=60), Sums(accepted=100)


def away(health: Health, sums: Sums = BAD, *, others: tuple[Sums, ...] = (GOOD,), now_ms: int = NOW_MS) -> Health:
    return move_away(health, sums, dict(zip("abc", others, strict=False)), now_ms)


def test_a_weight_moves_ten_away_and_at_most_once_a_minute() -> None:
    moved = away(NEW)
    assert (moved.weight, moved.moved_at_ms) == (90, NOW_MS)
    assert away(moved, now_ms=NOW_MS + MINUTE_MS - 1) is moved
    assert away(moved, now_ms=NOW_MS + MINUTE_MS).weight == 80


def test_a_weight_stops_at_nothing() -> None:
    health = replace(NEW, weight=5)
    assert away(health).weight == 0
    assert away(away(health), now_ms=NOW_MS + MINUTE_MS).weight == 0


def test_a_weight_comes_back_ten_every_quiet_quarter_of_an_hour() -> None:
    low = replace(NEW, weight=85, moved_at_ms=NOW_MS)
    quarter_ms = 15 * MINUTE_MS
    assert recover_weight(low, NOW_MS + quarter_ms - 1) is low
    back = recover_weight(low, NOW_MS + quarter_ms)
    assert back.weight == 95
    assert recover_weight(back, NOW_MS + 2 * quarter_ms - 1) is back
    assert recover_weight(back, NOW_MS - 3_600_000).weight > back.weight  # the clock was set back
    full = recover_weight(back, NOW_MS + 2 * quarter_ms)
    assert full.weight == 100
    assert recover_weight(full, NOW_MS + 9 * quarter_ms) is full


def test_trouble_starts_the_quiet_time_again() -> None:
    low = replace(NEW, weight=80, moved_at_ms=NOW_MS)
    lower = away(low, now_ms=NOW_MS + 14 * MINUTE_MS)
    assert recover_weight(lower, NOW_MS + 15 * MINUTE_MS) is lower


@pytest.mark.parametrize(
    ("sums", "is_bad"),
    [
        (Sums(accepted=0, failed=50), False),  # fifty may be chance
        (Sums(accepted=0, failed=51), True),
        (Sums(accepted=459, failed=51), True),  # a tenth of the traffic
        (Sums(accepted=460, failed=51), False),
        (Sums(accepted=100, slow=51), True),  # slowness is an error
        (Sums(accepted=100, blocked=254), False),  # a spam verdict counts a fifth
        (Sums(accepted=100, blocked=255), True),
        (Sums(accepted=100, failed=20, slow=20, blocked=55), True),
        (Sums(reported=10_000), False),
    ],
)
def test_what_looks_bad(sums: Sums, is_bad: bool) -> None:
    assert sums.is_bad is is_bad
    assert (away(NEW, sums) is not NEW) is is_bad


def test_if_all_look_bad_nothing_changes() -> None:
    assert away(NEW, others=(BAD, BAD)) is NEW
    assert away(NEW, others=(BAD, GOOD)).weight == 90
    assert away(NEW, others=(BAD, Sums())).weight == 90  # the one that is not asked does not look bad
    assert away(NEW, others=()).weight == 90


@pytest.mark.parametrize("outcome", [UNDELIVERABLE, ON_PROVIDER_LIST, REFUSED, THROTTLED, ACCOUNT])
def test_faults_of_recipient_message_rate_and_account_count_for_no_error(outcome: Outcome) -> None:
    assert count_outcome(outcome, 7) == Sums()


@pytest.mark.parametrize("outcome", [UNDELIVERABLE, ON_PROVIDER_LIST, REFUSED])
def test_faults_of_recipient_and_message_change_no_health(outcome: Outcome) -> None:
    assert after_call(NEW, outcome, 1000, NOW_MS) is NEW


def test_what_counts_is_counted_in_recipients() -> None:
    assert count_outcome(accepted(), 3) == count_outcome(accepted(), 3, 4_999) == Sums(accepted=3)
    assert count_outcome(accepted(), 3, 5_000) == Sums(accepted=3, slow=3), "it kept a worker from other emails"
    assert count_outcome(UNAVAILABLE, 3, 9_000) == Sums(failed=3)
    assert count_outcome(UNAVAILABLE, 3) == count_outcome(UNCERTAIN, 3) == Sums(failed=3)


def test_an_account_fault_opens_the_breaker_at_once() -> None:
    opened = after_call(NEW, ACCOUNT, 0, NOW_MS)
    assert (opened.breaker_until_ms, opened.breaker_reason) == (NOW_MS + BREAKER_WAITS_MS[0], ACCOUNT.reply)


@pytest.mark.parametrize("outage", [UNAVAILABLE, UNCERTAIN])
def test_five_outages_in_a_row_open_it(outage: Outcome) -> None:
    assert after_call(NEW, outage, 4, NOW_MS) is NEW
    assert after_call(NEW, outage, 5, NOW_MS).breaker_until_ms == NOW_MS + BREAKER_WAITS_MS[0]


def test_an_open_breaker_is_not_prolonged_by_calls_that_were_under_way() -> None:
    opened = after_call(NEW, ACCOUNT, 0, NOW_MS)
    assert after_call(opened, ACCOUNT, 0, NOW_MS + 1) is opened
    assert after_call(opened, UNAVAILABLE, 9, NOW_MS + 1) is opened


def test_each_failed_probe_opens_it_longer_and_a_good_one_closes_it() -> None:
    health, now_ms, waits = after_call(NEW, ACCOUNT, 0, NOW_MS), NOW_MS, []
    for _ in range(6):
        assert health.breaker_until_ms is not None
        waits.append(health.breaker_until_ms - now_ms)
        now_ms = health.breaker_until_ms
        leased = rules.lease_probe(health, now_ms)
        assert leased is not None
        health = after_call(leased, UNAVAILABLE, 1, now_ms)
    assert waits == [*BREAKER_WAITS_MS, BREAKER_WAITS_MS[-1]]
    leased = rules.lease_probe(health, now_ms + BREAKER_WAITS_MS[-1])
    assert leased is not None
    assert after_call(leased, accepted(), 0, now_ms) == NEW


def test_one_probe_at_a_time_and_none_before_its_time() -> None:
    opened = after_call(NEW, ACCOUNT, 0, NOW_MS)
    opens_ms = NOW_MS + BREAKER_WAITS_MS[0]
    assert rules.lease_probe(NEW, NOW_MS) is None
    assert rules.lease_probe(opened, opens_ms - 1) is None
    leased = rules.lease_probe(opened, opens_ms)
    assert leased is not None
    assert rules.lease_probe(leased, opens_ms + rules.PROBE_LEASE_MS - 1) is None
    assert rules.lease_probe(leased, opens_ms + rules.PROBE_LEASE_MS) is not None  # its holder has died


def test_throttling_rests_for_as_long_as_was_asked_within_reason() -> None:
    def rest_ms(retry_after_s: float | None) -> int:
        rested = after_call(NEW, replace(THROTTLED, retry_after_s=retry_after_s), 9, NOW_MS)
        assert rested.breaker_until_ms is None
        assert rested.cooldown_until_ms is not None
        return rested.cooldown_until_ms - NOW_MS

    assert rest_ms(7.5) == 7500
    assert rest_ms(None) == rules.COOLDOWN_MS
    assert rest_ms(86_400) == rules.LONGEST_COOLDOWN_MS


def test_a_rest_is_never_shortened_and_not_written_for_less_than_a_second() -> None:
    rested = after_call(NEW, THROTTLED, 0, NOW_MS)
    assert after_call(rested, replace(THROTTLED, retry_after_s=1), 0, NOW_MS) is rested
    assert after_call(rested, THROTTLED, 0, NOW_MS + 1000) is rested
    assert after_call(rested, THROTTLED, 0, NOW_MS + 1001).cooldown_until_ms == NOW_MS + 31_001


def test_a_probe_that_is_throttled_closes_the_provider_until_the_later_of_breaker_and_cooldown() -> None:
    opened = after_call(NEW, ACCOUNT, 0, NOW_MS)
    probing = rules.lease_probe(opened, opened.breaker_until_ms or 0)
    assert probing is not None
    now_ms = (opened.breaker_until_ms or 0) + 100
    throttled = after_call(probing, replace(THROTTLED, retry_after_s=1800), 0, now_ms)
    assert (throttled.probe_from_ms, throttled.probe_until_ms) == (now_ms + 1_800_000, None)
    assert rules.lease_probe(throttled, now_ms + 1_799_999) is None
    assert rules.lease_probe(throttled, now_ms + 1_800_000) is not None


def test_a_breaker_that_opens_in_a_cooldown_lets_no_probe_pass_before_its_end() -> None:
    rested = after_call(NEW, replace(THROTTLED, retry_after_s=1800), 0, NOW_MS)
    opened = after_call(rested, ACCOUNT, 0, NOW_MS + 1)
    assert opened.probe_from_ms == NOW_MS + 1_800_000


@pytest.mark.parametrize("opened", [after_call(NEW, ACCOUNT, 0, NOW_MS), after_call(NEW, OVER_QUOTA, 0, NOW_MS)])
@pytest.mark.parametrize("outcome", [REFUSED, replace(REFUSED, cause=Cause.POLICY), UNDELIVERABLE, ON_PROVIDER_LIST])
def test_a_probe_whose_email_is_refused_proves_that_host_and_account_work(outcome: Outcome, opened: Health) -> None:
    probing = rules.lease_probe(opened, NOW_MS + BREAKER_WAITS_MS[0])
    assert probing is not None
    assert after_call(probing, outcome, 0, NOW_MS + BREAKER_WAITS_MS[0] + 1) == NEW
    assert after_call(opened, outcome, 0, NOW_MS + 1) is opened  # a call that was under way when it opened


@pytest.mark.parametrize(
    "outcome", [SENDER, replace(REFUSED, cause=Cause.UNKNOWN), replace(REFUSED, cause=Cause.ACCOUNT)]
)
def test_a_probe_that_proves_nothing_makes_room_for_the_next_at_once(outcome: Outcome) -> None:
    opened = after_call(NEW, ACCOUNT, 0, NOW_MS)
    probing = rules.lease_probe(opened, NOW_MS + BREAKER_WAITS_MS[0])
    assert probing is not None
    assert after_call(probing, outcome, 0, NOW_MS + BREAKER_WAITS_MS[0] + 1) == opened


def test_a_quota_opens_the_breaker_at_once_for_as_long_as_is_asked_within_reason() -> None:
    over = after_call(NEW, OVER_QUOTA, 0, NOW_MS)
    assert (over.over_quota, over.breaker_until_ms, over.cooldown_until_ms) == (
        True,
        NOW_MS + BREAKER_WAITS_MS[0],
        None,
    )
    asked = after_call(NEW, replace(OVER_QUOTA, retry_after_s=1800), 0, NOW_MS)
    assert asked.breaker_until_ms == NOW_MS + 1_800_000
    assert after_call(NEW, replace(OVER_QUOTA, retry_after_s=10**6), 0, NOW_MS).breaker_until_ms == NOW_MS + 3_600_000
    probing = rules.lease_probe(over, over.breaker_until_ms or 0)
    assert probing is not None
    again = after_call(probing, OVER_QUOTA, 0, over.breaker_until_ms or 0)
    assert (again.over_quota, again.trips) == (True, 2)
    down = after_call(probing, ACCOUNT, 0, over.breaker_until_ms or 0)
    assert (down.over_quota, down.trips) == (False, 2)
    assert not after_call(probing, accepted(), 0, NOW_MS + 40_000).over_quota


def drop(health: Health, cause: Cause, at_ms: int = NOW_MS, now_ms: int = NOW_MS) -> Health:
    return rules.after_drop(health, cause, "why", at_ms, now_ms)


@pytest.mark.parametrize(
    ("cause", "outcome"), [(Cause.ACCOUNT, ACCOUNT), (Cause.THROTTLE, THROTTLED), (Cause.LIMIT, OVER_QUOTA)]
)
def test_a_drop_counts_like_the_same_words_in_an_answer(cause: Cause, outcome: Outcome) -> None:
    answered = after_call(NEW, replace(outcome, reply="why"), 0, NOW_MS)
    assert replace(drop(NEW, cause), dropped_at_ms=None) == answered
    once = drop(NEW, cause)
    assert drop(once, cause) is once


@pytest.mark.parametrize("cause", [Cause.MESSAGE, Cause.POLICY, Cause.UNKNOWN, Cause.RECIPIENT, Cause.OUTAGE])
def test_a_drop_of_something_else_does_not(cause: Cause) -> None:
    assert drop(NEW, cause) is NEW


def test_a_drop_that_is_told_late_or_was_before_a_resume_changes_nothing() -> None:
    late_ms = NOW_MS + rules.DROP_COUNTS_FOR_MS
    assert drop(NEW, Cause.ACCOUNT, now_ms=late_ms) is not NEW
    assert drop(NEW, Cause.ACCOUNT, now_ms=late_ms + 1) is NEW
    resumed = rules.resume(NEW, NOW_MS + 1)
    assert drop(resumed, Cause.ACCOUNT, now_ms=NOW_MS + 2) is resumed


def test_who_accepts_and_drops_is_left_alone_for_longer_each_time() -> None:
    health, now_ms = NEW, NOW_MS
    for wait_ms in BREAKER_WAITS_MS:
        health = drop(health, Cause.ACCOUNT, now_ms, now_ms)
        assert health.breaker_until_ms == now_ms + wait_ms
        now_ms += wait_ms
        probing = rules.lease_probe(health, now_ms)
        assert probing is not None
        health = after_call(probing, accepted(), 0, now_ms)
        assert health.breaker_until_ms is None
        assert after_call(health, accepted(), 0, now_ms) is health
    forgotten = after_call(health, accepted(), 0, now_ms + rules.DROPS_REMEMBERED_MS + 1)
    assert forgotten.trips == 0


def test_a_place_is_given_back_only_by_who_has_it() -> None:
    opened = after_call(NEW, ACCOUNT, 0, NOW_MS)
    probing = rules.lease_probe(opened, NOW_MS + BREAKER_WAITS_MS[0])
    assert probing is not None
    assert rules.end_probe(probing, 7) is probing
    assert rules.end_probe(probing, probing.probe_until_ms) == opened
    assert rules.end_probe(opened, 7) is opened


def test_a_clock_that_was_set_back_does_not_keep_a_weight_from_sinking() -> None:
    assert away(replace(NEW, moved_at_ms=NOW_MS + 3_600_000)).weight == 90


def test_resume_clears_all_but_what_was_learned() -> None:
    worst = Health("ses", 20, 1, NOW_MS, "no", 4, NOW_MS, NOW_MS, True, True, 0.9, epoch=3, version=17)
    worst = replace(worst, usual_of=77, silent_since_ms=5, webhooks_failing=True, learned_minute=8, low_since_ms=9)
    resumed = rules.resume(worst, NOW_MS)
    assert resumed == Health("ses", usual_share=0.9, usual_of=77, epoch=4, version=17, resumed_at_ms=NOW_MS)


def test_a_pause_is_written_once() -> None:
    paused = rules.pause(NEW)
    assert paused.paused
    assert rules.pause(paused) is paused


OUTCOMES = [accepted(), UNAVAILABLE, ACCOUNT, THROTTLED, REFUSED, UNDELIVERABLE, UNCERTAIN]


@given(st.lists(st.tuples(st.sampled_from(OUTCOMES), st.integers(0, 6), st.integers(0, 200_000), st.booleans())))
def test_whatever_happens_an_open_breaker_always_has_a_time_for_its_probe(
    steps: list[tuple[Outcome, int, int, bool]],
) -> None:
    health, now_ms = NEW, NOW_MS
    for outcome, run, wait_ms, probes in steps:
        now_ms += wait_ms
        if probes:
            health = rules.lease_probe(health, now_ms) or health
        health = after_call(health, outcome, run, now_ms)
        assert 0 <= health.weight <= 100
        if health.breaker_until_ms is None:
            assert (health.trips, health.probe_until_ms) == (0, None)
        else:
            assert health.breaker_until_ms <= now_ms + BREAKER_WAITS_MS[-1]
            latest_ms = max(health.probe_from_ms or 0, health.probe_until_ms or 0)
            assert rules.lease_probe(health, latest_ms) is not None


def test_a_from_that_an_account_may_not_use_says_nothing_of_its_health() -> None:
    assert after_call(NEW, ACCOUNT, 0, NOW_MS).breaker_until_ms is not None
    assert after_call(NEW, SENDER, 0, NOW_MS) is NEW
    assert count_outcome(SENDER, 3) == Sums()
    opened = after_call(NEW, ACCOUNT, 0, NOW_MS)
    probing = rules.lease_probe(opened, NOW_MS + BREAKER_WAITS_MS[0])
    assert probing is not None
    assert after_call(probing, SENDER, 0, NOW_MS + BREAKER_WAITS_MS[0]) == opened
