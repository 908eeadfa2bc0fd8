"""The numbers of a time are exact at every moment, whatever of them is counted already."""

from contextlib import suppress

import pytest

from app.domain.kinds import Cause
from app.domain.shards import shard_of
from app.domain.stats import ACCEPTED, AFTER_FAILOVER, HOUR_MS
from app.errors import Invalid
from app.notify import stats
from app.notify.stats import MOST_SHARDS, ReadStatistics, Row, Step
from app.store.change_feed import HELD_BACK_MS, PROMPT_MS
from app.store.shard_feed import ShardFeed
from app.store.stats import CountedHours
from tests.notify.conftest import STARTS_AT_S
from tests.notify.feed_samples import DELIVERED, HELD_BACK_S, SHARDS, a_counter, a_project, a_reader, known, tally, tell
from tests.support.clock import Clock
from tests.support.crash import Before

pytestmark = pytest.mark.usefixtures("feed_tables")
STARTS_AT_MS = int(STARTS_AT_S * 1000)
DAY_MS = 24 * HOUR_MS


def rows(clock: Clock, project: str, by: Step = Step.HOUR, *, is_by_account: bool = False) -> list[Row]:
    return a_reader(clock, project)(project, STARTS_AT_MS, None, by, is_by_account=is_by_account).rows


def accepted(found: list[Row]) -> list[tuple[int, int]]:
    return [((row.from_ms - STARTS_AT_MS) // HOUR_MS, row.counts[ACCEPTED]) for row in found]


def test_what_was_just_told_is_there_and_what_is_held_back_is_not(clock: Clock) -> None:
    project = a_project()
    tell(clock, project, emails=3)
    clock.advance(HELD_BACK_S)
    assert accepted(rows(clock, project)) == [(0, 3)]
    tell(clock, project)
    clock.advance(9)
    found = a_reader(clock, project)(project, None, None, Step.HOUR, is_by_account=False)
    assert found.counted_until_ms == clock.now_ms - HELD_BACK_MS
    assert sum(row.counts[ACCEPTED] for row in found.rows) == 3


def test_the_rows_are_the_same_before_and_after_they_are_counted(clock: Clock) -> None:
    project = a_project()
    for hour in (0, 0, 1, 4):
        clock.now_s = STARTS_AT_S + hour * 3600 + 60
        tell(clock, project, emails=hour + 1)
        tell(clock, project, **DELIVERED)
    clock.advance(HELD_BACK_S)
    expected = [(0, 2), (1, 2), (4, 5)]
    before = rows(clock, project, is_by_account=True)
    assert accepted(rows(clock, project)) == expected
    a_counter(clock, project)(60)
    assert accepted(rows(clock, project)) == expected
    clock.advance(3600)
    a_counter(clock, project)(60)
    assert rows(clock, project, is_by_account=True) == before
    assert [row.counts["delivered"] for row in before if row.account] == [2, 1, 1]


def test_days_are_those_of_utc(clock: Clock) -> None:
    project = a_project()
    midnight_ms = (STARTS_AT_MS // DAY_MS + 1) * DAY_MS
    for at_ms in (midnight_ms - 60_000, midnight_ms + 60_000):
        clock.now_s = at_ms / 1000
        tell(clock, project)
    clock.advance(HELD_BACK_S)
    assert [row.from_ms for row in rows(clock, project, Step.DAY)] == [midnight_ms - DAY_MS, midnight_ms]


def test_rows_by_account_have_what_none_was_called_for_first(clock: Clock) -> None:
    project = a_project()
    tell(clock, project)
    tell(clock, project, was="sent", provider="ses")
    tell(clock, project, **DELIVERED | {"provider": "mailgun", "after_failover": True})
    clock.advance(HELD_BACK_S)
    found = rows(clock, project, is_by_account=True)
    assert [row.account for row in found] == ["", "mailgun", "ses"]
    assert [row.counts[AFTER_FAILOVER] for row in found] == [0, 1, 0]
    (whole,) = rows(clock, project)
    assert whole.account is None
    assert whole.counts == sum((row.counts for row in found), start=type(whole.counts)())


def test_a_time_is_widened_to_whole_hours_and_nothing_beside_it_counts(clock: Clock) -> None:
    project = a_project()
    for hour in range(5):
        clock.now_s = STARTS_AT_S + hour * 3600 + 60
        tell(clock, project)
    clock.advance(HELD_BACK_S)
    for _ in range(2):
        read = a_reader(clock, project)
        found = read(
            project, STARTS_AT_MS + HOUR_MS + 1, STARTS_AT_MS + 2 * HOUR_MS + 1, Step.HOUR, is_by_account=False
        )
        assert accepted(found.rows) == [(1, 1), (2, 1)]
        assert (found.from_ms, found.to_ms) == (STARTS_AT_MS + HOUR_MS, STARTS_AT_MS + 3 * HOUR_MS)
        assert found.counted_until_ms == found.to_ms
        a_counter(clock, project)(60)


def test_a_sum_that_grows_while_it_is_read_is_not_counted_twice(clock: Clock) -> None:
    project = a_project()
    a_counter(clock, project)(60)
    for hour in range(3):
        clock.now_s = STARTS_AT_S + hour * 3600 + 60
        tell(clock, project, emails=4)
        if hour == 0:
            clock.advance(3600)
            a_counter(clock, project)(60)
    clock.advance(HELD_BACK_S)
    for method in ("newest", "between"):
        store = Before(CountedHours(), method, lambda: a_counter(clock, project)(60))
        read = ReadStatistics(ShardFeed(clock), store, lambda: known(project), clock)
        found = read(project, STARTS_AT_MS, None, Step.HOUR, is_by_account=False)
        assert accepted(found.rows) == [(0, 4), (1, 4), (2, 4)]
        clock.advance(3600)


def test_under_very_much_load_it_says_how_far_it_is_complete(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "MOST_LIVE", 4)
    project = a_project()
    times = []
    of_shards: dict[int, list[int]] = {}
    for _ in range(20):
        times.append(clock.now_ms + PROMPT_MS)
        (change,) = tell(clock, project)
        of_shards.setdefault(shard_of(change.email_id, SHARDS), []).append(times[-1])
        clock.advance(1)
    clock.advance(HELD_BACK_S)
    found = a_reader(clock, project)(project, None, None, Step.HOUR, is_by_account=False)
    before = sum(1 for at_ms in times if at_ms < found.counted_until_ms)
    (row,) = found.rows
    assert found.counted_until_ms == min(several[3] for several in of_shards.values() if len(several) > 3)
    assert before <= row.counts[ACCEPTED] <= 4 * SHARDS


def test_all_projects_are_their_real_mail(clock: Clock) -> None:
    shop, blog = a_project(), a_project()
    changes = tell(clock, shop) + tell(clock, blog, emails=2)
    tell(clock, f"test:{shop}", emails=7)
    clock.advance(HELD_BACK_S)
    read = a_reader(clock, shop, blog, f"test:{shop}")
    (row,) = read(None, None, None, Step.HOUR, is_by_account=False).rows
    assert row.counts[ACCEPTED] == len(changes) == 3
    (row,) = read(f"test:{shop}", None, None, Step.HOUR, is_by_account=False).rows
    assert row.counts[ACCEPTED] == 7


def test_a_project_without_mail_has_no_rows(clock: Clock) -> None:
    found = a_reader(clock)("nobody", None, None, Step.HOUR, is_by_account=True)
    assert found.rows == []
    assert a_reader(clock)(None, None, None, Step.HOUR, is_by_account=True).rows == []


@pytest.mark.parametrize(
    ("by", "days", "field", "remedy"),
    [
        (Step.HOUR, 31.1, "from", "is more than 31 days before `to`; ask for less, or by=day"),
        (Step.DAY, 92.1, "from", "is more than 92 days before `to`; ask for less, and again for the rest"),
        (Step.HOUR, 0, "to", "must be later than from"),
        (Step.DAY, -5, "to", "must be later than from"),
    ],
)
def test_a_time_that_is_too_long_or_none_is_refused(
    clock: Clock, by: Step, days: float, field: str, remedy: str
) -> None:
    with pytest.raises(Invalid) as refused:
        a_reader(clock)("shop", clock.now_ms - int(days * DAY_MS), clock.now_ms, by, is_by_account=False)
    assert refused.value.errors == ((field, remedy),)
    least = {Step.HOUR: 31, Step.DAY: 92}[by]
    assert a_reader(clock)("shop", clock.now_ms - least * DAY_MS, clock.now_ms, by, is_by_account=False).rows == []


@pytest.mark.parametrize("at_ms", [-62_135_596_800_000, 0, 253_402_300_799_999])
def test_no_time_of_the_calendar_is_too_early_or_late(clock: Clock, at_ms: int) -> None:
    read = a_reader(clock, "shop")
    for first, to in ((at_ms, at_ms + DAY_MS), (at_ms - DAY_MS, at_ms)):
        with suppress(Invalid):  # both are the first or the last time that the store can write
            assert read("shop", first, to, Step.HOUR, is_by_account=False).rows == []


def test_more_projects_than_are_added_up_at_once_are_refused(clock: Clock) -> None:
    read = a_reader(clock, *(f"p{n}" for n in range(MOST_SHARDS)))
    with pytest.raises(Invalid, match="there are 1000 projects, too many to add up at once"):
        read(None, None, None, Step.HOUR, is_by_account=False)


def test_what_a_recount_of_the_changes_gives(clock: Clock) -> None:
    project = a_project()
    changes = tell(clock, project, emails=5) + tell(clock, project, **DELIVERED)
    changes += tell(clock, project, was="sent", provider="ses", cause=Cause.MAILBOX)
    clock.advance(HELD_BACK_S)
    found = rows(clock, project, is_by_account=True)
    assert {(row.account, name): n for row in found for name, n in row.counts.items()} == tally(changes)
