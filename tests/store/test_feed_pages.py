"""What a page of the feed reads: of several projects, of a range of time, and no more than it needs."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from app.domain.changes import EmailChange, changes
from app.domain.shards import shard_of
from app.store import change_feed
from app.store.change_feed import PROMPT_MS, ChangeFeed, Entry, FeedPosition, Page
from app.store.change_items import ChangeItem
from tests.store.conftest import STARTS_AT_S
from tests.support.aws import Aws
from tests.support.clock import Clock
from tests.support.samples import a_head

pytestmark = pytest.mark.usefixtures("feed_table")
SHARDS = 3


def queued(clock: Clock, project: str, shards: int = SHARDS) -> list[EmailChange]:
    """What became of a new email, whose recipient is queued."""
    head = a_head(clock.now_ms, project=project)
    return list(changes(None, replace(head, shard=shard_of(head.email_id, shards)), clock.now_ms))


def a_project() -> str:
    return f"p{uuid4().hex[:12]}"


def _is_one(names: list[str], entry: Entry) -> bool:
    return entry["id"] in names


def ids(entries: list[Entry]) -> list[str]:
    return [entry["id"] for entry in entries]


def test_several_projects_are_one_feed_in_the_order_recorded(clock: Clock) -> None:
    feed, projects = ChangeFeed(clock, SHARDS), [a_project() for _ in range(3)]
    expected = []
    for number in range(9):
        (change,) = queued(clock, projects[number % 3])
        feed.add([change], clock.now_ms)
        expected.append(change.id)
        clock.advance(0.5)
    feed.add(queued(clock, a_project()), clock.now_ms)
    clock.advance(60)
    for limit in (1, 4, 100):
        found: list[str] = []
        position = None
        while True:
            page = feed.read(projects, position, limit)
            found, position = found + ids(page.entries), page.after
            if page.is_last:
                break
        assert found == expected
    assert feed.read([], None, 10).entries == []


def test_what_was_recorded_at_a_time_or_later_can_be_left_out(clock: Clock) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    before, after = queued(clock, project), queued(clock, project)
    begin = FeedPosition.at(clock.now_ms)
    feed.add(before, clock.now_ms)
    clock.advance(5)
    until_ms = clock.now_ms + PROMPT_MS
    feed.add(after, clock.now_ms)
    clock.advance(60)
    page = feed.read(project, begin, 10, until_ms=until_ms)
    assert (ids(page.entries), page.is_last) == ([before[0].id], True)
    assert len(feed.read(project, begin, 10, until_ms=until_ms + 1).entries) == 2
    assert feed.read(project, page.after, 10, until_ms=until_ms - 5000).is_last


@pytest.mark.parametrize("year", [2100, 2300, 9999])  # a position has no more digits than those of the year 2286
def test_nothing_is_recorded_yet_of_a_time_to_come(clock: Clock, year: int) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    feed.add(queued(clock, project), clock.now_ms)
    clock.advance(60)
    position = FeedPosition.at(int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1000)
    page = feed.read(project, position, 10)
    assert (page.entries, page.is_last) == ([], True)
    assert FeedPosition.read(str(page.after)) == position


@pytest.mark.parametrize("after", [None, FeedPosition("0" * 13)])  # one of long ago is where what is kept begins
def test_the_first_page_is_where_the_first_entry_is(clock: Clock, after: FeedPosition | None) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    (change,) = queued(clock, project)
    feed.add([change], clock.now_ms)
    for days in (0, 5, 10, 14):  # the entry is of the last of thirty days, or in their middle, or of the first
        clock.advance(60 + days * 86_400)
        assert ids(feed.read(project, after, 10).entries) == [change.id]
        page = feed.read(project, after, 10, lambda entry: entry["type"] == "email.opened")
        assert (page.entries, page.is_last) == ([], True)


def test_a_page_that_found_nothing_ends_with_what_one_may_read_and_skips_nothing(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, projects = ChangeFeed(clock, SHARDS), [a_project() for _ in range(2)]
    found: list[EmailChange] = []
    for number in range(12):
        found += queued(clock, projects[number % 2])
        feed.add(found[-1:], clock.now_ms)
        clock.advance(2.5 * 86_400 if number % 4 == 3 else 1)
    asked: list[str] = []
    query = ChangeItem.query

    def noted(partition: str, *args: Any, **options: Any) -> Any:
        asked.append(partition)
        return query(partition, *args, **options)

    monkeypatch.setattr(ChangeItem, "query", noted)
    monkeypatch.setattr(change_feed, "MOST_PARTITIONS", 5 * len(projects) * SHARDS)
    monkeypatch.setattr(change_feed, "MOST_EXAMINED", 3)
    for wanted in (found, found[-1:]):
        names, read = [change.id for change in wanted], list[str]()
        page = Page([], FeedPosition("0" * 13), is_last=False)
        sizes: list[int] = []
        while not page.is_last:
            asked.clear()
            page = feed.read(projects, page.after, 10, partial(_is_one, names))
            assert len(asked) <= 5 * len(projects) * SHARDS
            read += ids(page.entries)
            sizes.append(len(page.entries))
        assert read == names
        assert sizes.count(0) >= 4  # of thirty days, five at a time


def test_a_page_reads_no_more_items_than_it_needs(clock: Clock, aws: Aws) -> None:
    feed, project = ChangeFeed(clock, 1), a_project()
    for _ in range(30):
        feed.add(queued(clock, project, shards=1), clock.now_ms)
        clock.advance(0.1)
    clock.advance(60)
    position = FeedPosition.at(int(STARTS_AT_S) * 1000)
    with pytest.MonkeyPatch.context() as patch:
        asked: list[int] = []
        query = ChangeItem.query

        def counted(*args: Any, **options: Any) -> Any:
            asked.append(options["page_size"])
            return query(*args, **options)

        patch.setattr(ChangeItem, "query", counted)
        page = feed.read(project, position, 5)
    assert (len(page.entries), page.is_last) == (5, False)
    assert asked == [6]  # of the first day only, which has enough
