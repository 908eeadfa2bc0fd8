"""What health concludes of simulated providers: at any volume, in good days and bad ones."""

from itertools import product

import pytest

from bench.health import RATES, Product, table
from bench.provider_world import DAY_MIN, Result, Scenario, play
from tests.support.size import EXPLORE

HOUR = 60


def trouble(name: str, per_minute: float, minutes: int, share: float = 0.95, after: int = 3 * HOUR) -> Result:
    """Some hundred emails in order, then so many minutes of trouble, then some hours in order."""
    begins = 3 * DAY_MIN if per_minute < 1 else 8 * HOUR
    return play(Scenario(per_minute, share, name, begins, begins + minutes, begins + minutes + after), Product)


ALWAYS = [("1 in 6 min", 0.95), ("2 a min", 0.95), ("1,000 a s", 0.95), ("1 in 6 min", 0.55), ("1 a s", 0.55)]
IN_THE_GATE = [pytest.param(rate, 0.95, marks=pytest.mark.full) for rate in RATES if (rate, 0.95) not in ALWAYS]


@pytest.mark.parametrize(("rate", "share"), [*ALWAYS, *IN_THE_GATE])
def test_silence_is_noticed_within_twenty_emails_and_twenty_minutes_and_ends(rate: str, share: float) -> None:
    result = trouble("silent", RATES[rate], 3 * HOUR, share, after=2 * HOUR)
    assert result.noticed_after is not None
    assert result.twentieth_after is not None
    assert result.noticed_after <= result.twentieth_after + 20
    assert result.silences == 1
    assert result.forgiven_after is not None


@pytest.mark.parametrize("per_minute", [1 / 6, 60.0, 60_000.0])
def test_greylisting_for_an_hour_is_no_silence_and_costs_no_weight(per_minute: float) -> None:
    result = trouble("greylist", per_minute, HOUR, after=HOUR)
    assert (result.silences, result.second_copies, result.lowest_weight) == (0, 0, 100)


@pytest.mark.parametrize("per_minute", [1 / 3, 2.0])
def test_a_burst_without_reports_lowers_the_weight_once_at_most(per_minute: float) -> None:
    result = trouble("burst", per_minute, 1)
    assert (result.lowest_weight >= 90, result.lowered <= 1) == (True, True)
    assert result.forgiven_after is not None


@pytest.mark.parametrize("per_minute", [120.0, 60_000.0])
def test_one_bad_minute_is_one_step(per_minute: float) -> None:
    result = trouble("bad", per_minute, 1, after=HOUR)
    assert (result.silences, result.lowest_weight, result.lowered) == (0, 90, 1)


def test_a_month_in_order_is_never_silence() -> None:
    result = play(Scenario(1 / 20, 0.5, minutes=30 * DAY_MIN), Product)
    assert (result.silences, result.lowered, result.second_copies) == (0, 0, 0)


MONTHS = (
    list(product([1 / 6, 1 / 2, 2.0], [0.5, 0.6, 0.75, 0.9, 1.0]))
    if EXPLORE
    else [(1 / 6, 0.5), (1 / 6, 1.0), (1 / 2, 0.75)]
)


@pytest.mark.full
@pytest.mark.parametrize(("per_minute", "share"), MONTHS)
@pytest.mark.timeout(600)
def test_a_month_in_order_is_never_silence_at_any_share(per_minute: float, share: float) -> None:
    result = play(Scenario(per_minute, share, minutes=30 * DAY_MIN), Product, seed=2)
    assert (result.silences, result.lowered, result.second_copies) == (0, 0, 0)


@pytest.mark.full
def test_the_table_has_a_row_for_each_scenario() -> None:
    rows = list(table(Product, seeds=1, only="bad"))
    assert len(rows) == 4
    assert rows[2].startswith("| bad for 1 min |")
