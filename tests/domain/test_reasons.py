"""Several reasons against one address: which one is shown, and until when."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.suppression import DAY_MS, LASTS_MS, Entry, Reason, Suppression, lift, suppress

NOW_MS = 1_800_000_000_000
ADDRESS = "bob@example.net"
ORDER = ["manual", "complained", "repeated_hard_bounce", "hard_bounce", "unsubscribed", "provider_list"]


def of(reason: Reason, days: int, since_ms: int = NOW_MS) -> Suppression:
    return Suppression(ADDRESS, reason, f"evidence of {reason}", since_ms, NOW_MS + days * DAY_MS)


def after(*suppressions: Suppression) -> Entry:
    return reduce(suppress, suppressions, Entry(ADDRESS))


def test_the_order_of_the_reasons() -> None:
    assert [reason.value for reason in Reason] == ORDER


@pytest.mark.parametrize("stronger", range(len(Reason)))
def test_the_stronger_reason_is_shown_until_the_later_end_in_whichever_order_they_come(stronger: int) -> None:
    for weaker in range(stronger + 1, len(Reason)):
        strong, weak = list(Reason)[stronger], list(Reason)[weaker]
        for days in ((5, 9), (9, 5)):
            pair = of(strong, days[0]), of(weak, days[1])
            for entry in (after(*pair), after(*reversed(pair))):
                shown = entry.in_force(NOW_MS)
                assert shown is not None
                assert (shown.reason, shown.evidence) == (strong, f"evidence of {strong}")
                assert shown.until_ms == NOW_MS + 9 * DAY_MS
                assert entry.strongest_first == list(pair)


def test_a_complaint_stays_one_although_the_person_unsubscribes() -> None:
    shown = after(of(Reason.COMPLAINED, 730), of(Reason.UNSUBSCRIBED, 731)).in_force(NOW_MS)
    assert shown is not None
    assert (shown.reason, shown.until_ms) == (Reason.COMPLAINED, NOW_MS + 731 * DAY_MS)


def test_an_operator_s_note_stays_although_the_person_complains() -> None:
    shown = after(of(Reason.MANUAL, 10), of(Reason.COMPLAINED, 730)).in_force(NOW_MS)
    assert shown is not None
    assert (shown.reason, shown.evidence) == (Reason.MANUAL, "evidence of manual")


def test_when_the_strongest_has_ended_the_next_one_is_shown_and_its_evidence_stays() -> None:
    entry = after(of(Reason.MANUAL, 1), of(Reason.COMPLAINED, 9))
    shown = entry.in_force(NOW_MS + DAY_MS)
    assert shown == of(Reason.COMPLAINED, 9)
    assert entry.strongest_first == [of(Reason.MANUAL, 1), of(Reason.COMPLAINED, 9)]
    assert entry.in_force(NOW_MS + 9 * DAY_MS) is None


def test_a_lift_ends_all_of_them() -> None:
    entry = lift(after(*(of(reason, 9) for reason in Reason)), NOW_MS + 1)
    assert entry is not None
    assert entry.in_force(NOW_MS + 1) is None
    assert suppress(entry, of(Reason.MANUAL, 9)) == entry  # what was before the lift
    assert suppress(entry, of(Reason.MANUAL, 9, since_ms=NOW_MS + 1)).in_force(NOW_MS + 1) is not None


@given(st.lists(st.tuples(st.sampled_from(Reason), st.integers(1, 400)), min_size=1), st.integers(0, 400))
def test_whatever_comes_in_whatever_order(found: list[tuple[Reason, int]], later: int) -> None:
    now_ms = NOW_MS + later * DAY_MS
    shown = after(*(of(*each) for each in found)).in_force(now_ms)
    holding = [each for each in found if each[1] > later]
    assert (shown is None) is (not holding)
    if shown:
        assert shown.reason.value == min((each[0].value for each in holding), key=ORDER.index)
        assert shown.until_ms == NOW_MS + max(days for _, days in holding) * DAY_MS
    again = after(*(of(*each) for each in reversed(found)))
    assert again.in_force(now_ms) == shown


def test_each_lasts_a_time_of_its_own() -> None:
    assert set(LASTS_MS) == set(Reason)
