"""What an operator sees of a provider's calls."""

import pytest

from app.domain.calls import CallError, Calls, count_call, first_recent_minute
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


@pytest.mark.parametrize("outcome", [UNAVAILABLE, ACCOUNT, SENDER, THROTTLED, UNCERTAIN])
def test_what_the_account_or_its_host_did_is_a_failure(outcome: Outcome) -> None:
    error = CallError(NOW_MS, outcome.kind, outcome.cause, outcome.status_code)
    assert count_call(outcome, NOW_MS) == Calls(1, 1, error)


@pytest.mark.parametrize("outcome", [accepted(), REFUSED, UNDELIVERABLE, ON_PROVIDER_LIST])
def test_what_the_email_did_is_none(outcome: Outcome) -> None:
    """Else whoever may send an odd email could make a provider look broken."""
    assert count_call(outcome, NOW_MS) == Calls(made=1)


def test_the_last_error_is_the_later_one_in_whatever_order_they_are_added() -> None:
    first, second = (Calls(1, 1, CallError(at_ms, Kind.UNCERTAIN, Cause.OUTAGE)) for at_ms in (1, 2))
    for one, other in ((first, second), (second, first)):
        assert one + other + Calls(made=3) == Calls(5, 2, second.last_error)


@pytest.mark.parametrize(("second", "minutes"), [(0, 5), (59, 5)])
def test_five_whole_minutes_are_recent(second: int, minutes: int) -> None:
    now_ms = 100 * 60_000 + second * 1000
    assert first_recent_minute(now_ms) == 100 - minutes
