"""The first hard bounce of an address, and another one of a later email."""

from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.suppression import DAY_MS, Bounce, Entry, Reason, Suppression, bounced, lift, suppress

HOUR_MS = DAY_MS // 24
NOW_MS = 1_800_000_000_000
ADDRESS = "bob@example.net"


def bounce(at_h: float, sent_h: float | None = None) -> Bounce:
    """A bounce so many hours from now, of an email that was accepted at `sent_h` (default: a minute before)."""
    at_ms = NOW_MS + int(at_h * HOUR_MS)
    email_ms = at_ms - 60_000 if sent_h is None else NOW_MS + int(sent_h * HOUR_MS)
    return Bounce(ADDRESS, f"bounce of hour {at_h}", at_ms, email_ms)


def after(*bounces: Bounce) -> Entry:
    return reduce(bounced, bounces, Entry(ADDRESS))


def strongest(entry: Entry) -> Suppression:
    return entry.strongest_first[0]


def shown(entry: Entry) -> tuple[Reason, float]:
    """Why it is suppressed, and until how many hours from now."""
    shown = strongest(entry)
    return shown.reason, (shown.until_ms - NOW_MS) / HOUR_MS


def test_the_first_bounce_suppresses_for_a_day() -> None:
    entry = after(bounce(0))
    assert shown(entry) == (Reason.HARD_BOUNCE, 24)
    assert entry.in_force(NOW_MS + DAY_MS - 1) == strongest(entry)
    assert entry.in_force(NOW_MS + DAY_MS) is None


@pytest.mark.parametrize("hours", [0.02, 25, 30 * 24])
def test_a_later_email_that_bounces_within_thirty_days_suppresses_for_half_a_year(hours: float) -> None:
    assert shown(after(bounce(0), bounce(hours))) == (Reason.REPEATED_HARD_BOUNCE, hours + 180 * 24)


def test_after_thirty_days_it_is_a_first_one_again() -> None:
    hours = 30 * 24 + 1
    assert shown(after(bounce(0), bounce(hours))) == (Reason.HARD_BOUNCE, hours + 24)
    again = bounce(hours + 48)
    assert shown(after(bounce(0), bounce(hours), again)) == (Reason.REPEATED_HARD_BOUNCE, hours + 48 + 180 * 24)


def test_a_host_s_bad_hour_is_one_bounce_however_many_emails_it_returns() -> None:
    """They were all accepted before the first of them bounced, so none of them asked the host again later."""
    many = [bounce(0.1 * n, sent_h=-0.1 * n) for n in range(20)]
    assert shown(after(*many)) == (Reason.HARD_BOUNCE, 24)
    assert strongest(after(*many)) == strongest(after(many[0]))


def test_two_reports_of_one_email_are_one() -> None:
    """Redelivered; by another attempt; by another provider; and in another order."""
    reports = [bounce(0, sent_h=-1), bounce(0, sent_h=-1), bounce(5, sent_h=-1), bounce(23, sent_h=-1)]
    assert strongest(after(*reports)) == strongest(after(reports[0]))
    assert shown(after(*reversed(reports)))[0] is Reason.HARD_BOUNCE


def test_a_bounce_behind_the_first_day_that_is_not_of_a_later_email_suppresses_for_another_day() -> None:
    assert shown(after(bounce(0), bounce(30, sent_h=-1))) == (Reason.HARD_BOUNCE, 54)


def test_a_report_that_comes_again_changes_nothing() -> None:
    entry = after(bounce(0), bounce(30))
    assert bounced(entry, bounce(0)) is entry
    assert bounced(entry, bounce(30)) is entry


def test_the_older_email_s_bounce_may_arrive_after_the_newer_s() -> None:
    assert shown(after(bounce(30), bounce(0))) == shown(after(bounce(0), bounce(30)))


def test_a_report_from_before_the_memory_says_nothing() -> None:
    entry = after(bounce(0))
    assert bounced(entry, bounce(-31 * 24)) is entry


def test_a_report_that_was_under_way_for_longer_than_a_day_counts_but_suppresses_no_more() -> None:
    entry = after(bounce(-25))
    assert entry.in_force(NOW_MS) is None
    assert shown(bounced(entry, bounce(0)))[0] is Reason.REPEATED_HARD_BOUNCE


def test_lifting_forgets_the_count() -> None:
    entry = lift(after(bounce(0)), NOW_MS + HOUR_MS)
    assert entry is not None
    assert entry.in_force(NOW_MS + HOUR_MS) is None
    assert bounced(entry, bounce(0)) is entry  # what was before does not count again
    assert shown(bounced(entry, bounce(30))) == (Reason.HARD_BOUNCE, 54)


def test_a_count_without_a_suppression_can_be_lifted_too_and_nothing_can_be_lifted_twice() -> None:
    entry = after(bounce(0))
    lifted = lift(entry, NOW_MS + 2 * DAY_MS)
    assert lifted is not None
    assert lifted.bounces is None
    assert lift(lifted, NOW_MS + 3 * DAY_MS) is None
    assert lift(entry, NOW_MS + 31 * DAY_MS) is None
    assert lift(Entry(ADDRESS), NOW_MS) is None


def test_a_first_bounce_does_not_shorten_what_lasts_longer_and_still_counts() -> None:
    complained = Suppression(ADDRESS, Reason.COMPLAINED, "spam", NOW_MS, NOW_MS + 40 * DAY_MS)
    entry = bounced(suppress(Entry(ADDRESS), complained), bounce(0))
    assert entry.in_force(NOW_MS) == complained
    assert Reason.REPEATED_HARD_BOUNCE in bounced(entry, bounce(30)).suppressions


def test_it_is_remembered_for_thirty_days_behind_the_end_of_the_first_day() -> None:
    assert after(bounce(0)).kept_until_ms == NOW_MS + 30 * DAY_MS
    assert after(bounce(0), bounce(30)).kept_until_ms == NOW_MS + 30 * HOUR_MS + 180 * DAY_MS


within_thirty_days = st.builds(
    lambda at_h, age_h: bounce(at_h, sent_h=at_h - age_h),
    st.integers(0, 29 * 24),
    st.integers(0, 7 * 24),
)


@given(st.lists(within_thirty_days, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_neither_order_nor_number_of_the_reports_matters(bounces: list[Bounce], chance: object) -> None:
    again = bounces * 2
    chance.shuffle(again)  # type: ignore[attr-defined] # because hypothesis has no name for the class
    one, other = after(*bounces), after(*again)
    assert one.bounces == other.bounces
    assert shown(one)[0] is shown(other)[0]
    is_repeated = any(second.email_ms > first.at_ms for first in bounces for second in bounces)
    assert (shown(one)[0] is Reason.REPEATED_HARD_BOUNCE) is is_repeated
    if is_repeated:
        assert shown(one) == shown(other)


@given(within_thirty_days, st.lists(st.integers(0, 7 * 24), min_size=1, max_size=6))
def test_one_email_alone_never_suppresses_for_longer_than_a_day(first: Bounce, hours: list[int]) -> None:
    reports = [replace(first, at_ms=first.at_ms + later * HOUR_MS) for later in hours]
    entry = after(first, *reports)
    assert strongest(entry).reason is Reason.HARD_BOUNCE
    assert strongest(entry).until_ms <= max(each.at_ms for each in (first, *reports)) + DAY_MS
