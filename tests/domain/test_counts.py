"""What is counted of calls and events."""

import pytest

from app.domain.counts import REPORTS, SLOW_AFTER_MS, Sums, count_event
from app.domain.head import Evidence
from app.domain.kinds import Kind

NOTHING: frozenset[Evidence] = frozenset()
SLOW_MS = SLOW_AFTER_MS + 1


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("known", [Evidence.DELIVERED, Evidence.FAILED, Evidence.DELAYED, Evidence.OPENED])
def test_only_the_first_report_counts(kind: Kind, known: Evidence) -> None:
    assert count_event(kind, NOTHING, after_ms=0).reported == int(kind in REPORTS)
    assert count_event(kind, frozenset({Evidence.ACCEPTED}), after_ms=0).reported == int(kind in REPORTS)
    assert count_event(kind, frozenset({known}), after_ms=10**9).reported == 0


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.UNKNOWN, Kind.UNSUBSCRIBED])
def test_what_says_nothing_of_the_copy_is_no_report(kind: Kind) -> None:
    assert count_event(kind, NOTHING, after_ms=0) == Sums()


def test_a_slow_delivery_counts_and_a_slow_bounce_or_open_does_not() -> None:
    assert count_event(Kind.DELIVERED, NOTHING, after_ms=SLOW_MS) == Sums(reported=1, slow=1)
    assert count_event(Kind.DELIVERED, NOTHING, after_ms=SLOW_MS - 1) == Sums(reported=1)
    assert count_event(Kind.SOFT_BOUNCE, NOTHING, after_ms=SLOW_MS) == Sums(reported=1)
    assert count_event(Kind.OPENED, NOTHING, after_ms=SLOW_MS) == Sums(reported=1)
    assert count_event(Kind.DELIVERED, frozenset({Evidence.DELAYED}), after_ms=SLOW_MS) == Sums()


def test_a_block_counts_also_after_a_delay_or_an_open_but_once() -> None:
    assert count_event(Kind.BLOCKED, NOTHING, after_ms=0) == Sums(reported=1, blocked=1)
    assert count_event(Kind.BLOCKED, frozenset({Evidence.DELAYED}), after_ms=0) == Sums(blocked=1)
    assert count_event(Kind.BLOCKED, frozenset({Evidence.OPENED}), after_ms=0) == Sums(blocked=1)
    assert count_event(Kind.BLOCKED, frozenset({Evidence.FAILED}), after_ms=0) == Sums()


def test_sums_add_up_field_by_field() -> None:
    assert Sums(1, 2, 3, 4, 5, 6) + Sums(10, 20, 30, 40, 50, 60) == Sums(11, 22, 33, 44, 55, 66)


def test_a_share_is_one_at_most() -> None:
    assert Sums(accepted=4, reported=3).share == 0.75
    assert Sums(accepted=4, reported=9).share == 1.0
    assert Sums(reported=9).share == 0.0
