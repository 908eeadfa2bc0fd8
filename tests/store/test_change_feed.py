"""The feed has each change once, in the order of its email, and no reader's place skips one."""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynamodb.models import Model

from app.domain.change_types import ChangeType
from app.domain.changes import EmailChange, changes
from app.domain.email import Role
from app.domain.head import Recipient
from app.domain.shards import shard_of
from app.errors import Contention
from app.store import change_feed, tables
from app.store.batches import get_all, put_all
from app.store.change_feed import FRESH_MS, HELD_BACK_MS, PROMPT_MS, ChangeFeed, Entry, FeedPosition
from app.store.change_items import DAY_MS, KEPT_FOR_S, MOST_BYTES, ChangeItem, items_of, written
from app.store.compact_json import compact
from app.store.raw_items import Raw
from tests.store.conftest import STARTS_AT_S
from tests.support.aws import Aws
from tests.support.clock import Clock
from tests.support.crash import Crash
from tests.support.samples import a_head
from tests.support.size import examples

pytestmark = pytest.mark.usefixtures("feed_table")
SHARDS = 3


def told(clock: Clock, project: str, email_id: str = "", version: int = 1, people: int = 1) -> list[EmailChange]:
    """What became of an email, whose recipients are queued."""
    recipients = {f"{n}@example.net": Recipient(f"{n}@example.net", Role.TO) for n in range(people)}
    email_id = email_id or f"eml_{uuid4().hex}"
    shard = shard_of(email_id, SHARDS)
    head = a_head(clock.now_ms, email_id=email_id, recipients=recipients, version=version, project=project, shard=shard)
    return list(changes(None, head, clock.now_ms))


def a_project() -> str:
    return f"p{uuid4().hex[:12]}"


def read_all(feed: ChangeFeed, project: str, limit: int = 100) -> list[Entry]:
    entries: list[Entry] = []
    place = None
    while True:
        page = feed.read(project, place, limit)
        assert len(page.entries) <= limit
        entries += page.entries
        place = FeedPosition.read(str(page.after))
        if page.is_last:
            return entries


def ids(entries: list[Entry]) -> list[str]:
    return [entry["id"] for entry in entries]


def test_an_entry_is_the_webhook_and_its_id(clock: Clock) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    (change,) = told(clock, project)
    feed.add([change], clock.now_ms)
    clock.advance(60)
    assert read_all(feed, project) == [written(change)]
    assert read_all(feed, a_project()) == []


def test_an_entry_is_held_back_until_no_write_can_come_before_it(clock: Clock) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    feed.add(told(clock, project), clock.now_ms)
    begin = FeedPosition.at(clock.now_ms)
    clock.now_s += (PROMPT_MS + HELD_BACK_MS) / 1000
    assert feed.read(project, begin, 9).entries == []
    clock.now_s += 0.001
    assert len(feed.read(project, begin, 9).entries) == 1
    assert tables.slowest_call_s(tables.FEED_RETRIES) * 1000 + FRESH_MS <= HELD_BACK_MS


def test_pages_go_on_where_the_last_one_ended(clock: Clock) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    expected = []
    for _ in range(7):
        several = told(clock, project, people=3)
        feed.add(several, clock.now_ms)
        expected += [change.id for change in several]
        clock.advance(0.5)
    clock.advance(60)
    for limit in (1, 2, 5, 21, 100):
        assert ids(read_all(feed, project, limit)) == expected


def test_a_reader_at_the_end_sees_what_comes_later_and_nothing_twice(clock: Clock) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    feed.add(told(clock, project), clock.now_ms)
    clock.advance(60)
    first = feed.read(project, None, 10)
    while not first.is_last:
        assert first.entries == []
        first = feed.read(project, first.after, 10)
    assert feed.read(project, first.after, 10).entries == []
    later = told(clock, project)
    feed.add(later, clock.now_ms)
    clock.advance(60)
    assert ids(feed.read(project, first.after, 10).entries) == [later[0].id]


def test_only_what_is_wanted_counts_for_the_page(clock: Clock) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    for number in range(6):
        (change,) = told(clock, project)
        kind = ChangeType.OPENED if number % 3 == 2 else ChangeType.QUEUED
        feed.add([replace(change, type=kind)], clock.now_ms)
        clock.advance(1)
    clock.advance(60)
    place = FeedPosition.at(int(STARTS_AT_S) * 1000)
    page = feed.read(project, place, 1, lambda entry: entry["type"] == "email.opened")
    assert (len(page.entries), page.is_last) == (1, False)
    page = feed.read(project, page.after, 5, lambda entry: entry["type"] == "email.opened")
    assert (len(page.entries), page.is_last) == (1, True)


def test_days_without_entries_are_passed_page_by_page(clock: Clock) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    old = told(clock, project)
    feed.add(old, clock.now_ms)
    clock.advance(29 * 86_400)
    new = told(clock, project)
    feed.add(new, clock.now_ms)
    clock.advance(60)
    assert ids(read_all(feed, project)) == [old[0].id, new[0].id]
    assert KEPT_FOR_S == 30 * 86_400


def test_entries_around_midnight_are_in_order(clock: Clock) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    clock.now_s = (int(STARTS_AT_S) * 1000 // DAY_MS + 1) * DAY_MS / 1000 - 4
    expected = []
    for _ in range(8):
        several = told(clock, project)
        feed.add(several, clock.now_ms)
        expected.append(several[0].id)
        clock.advance(1)
    clock.advance(60)
    assert ids(read_all(feed, project, 3)) == expected


def test_what_is_told_of_one_recipient_is_one_write_unit(clock: Clock, aws: Aws) -> None:
    (change,) = told(clock, "default")
    change = replace(
        change,
        type=ChangeType.DELIVERED,
        provider="sendgrid:eu",
        attempt=2,
        message_id="m" * 70,
        detail="250 2.0.0 OK 1764500000 d75a77b69052e-4b5a2f7c1d2si1234567qtp.123 - gsmtp",
        tags=("receipt", "order=123456"),
    )
    (item,) = items_of([change], clock.now_ms)
    size = sum(
        len(name.encode()) + len(str(next(iter(value.values()))).encode()) for name, value in item.serialize().items()
    )
    assert 600 < size < 1024


def test_more_than_an_item_holds_is_several_items_in_order(clock: Clock) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    several = [replace(one, tags=("x" * 4000,)) for one in told(clock, project, people=50)]
    assert len(compact([written(one) for one in several])) > 2 * MOST_BYTES
    feed.add(several, clock.now_ms)
    clock.advance(60)
    feed.add(several, clock.now_ms - 60_000)
    clock.advance(60)
    assert ids(read_all(feed, project, 7)) == [change.id for change in several]


def test_no_changes_are_no_write(clock: Clock) -> None:
    ChangeFeed(clock, SHARDS).add([], clock.now_ms)


BARE = '[{"id":"evt_1","type":"a","data":{"email_id":"eml_1","sequence":1}}]'


@pytest.mark.parametrize("text", ["{", "5", "null", '{"id":"evt_1"}', "[1]", '[{"id":"evt_1"}]', BARE])
def test_a_damaged_item_hides_nothing_else(clock: Clock, text: str) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    several = [told(clock, project) for _ in range(3)]
    for one in several:
        feed.add(one, clock.now_ms)
        clock.advance(1)
    clock.advance(60)
    damaged = next(ChangeItem.scan(ChangeItem.part.contains(several[1][0].email_id)))
    ChangeItem._get_connection().put_item(damaged.partition, damaged.part, attributes={"changes": {"S": text}})
    assert ids(read_all(feed, project)) == [several[0][0].id, several[2][0].id]


def test_entries_of_more_shards_than_this_process_writes_to_are_read(clock: Clock) -> None:
    project = a_project()
    for number in range(12):
        ChangeFeed(clock, 1).add([replace(told(clock, project)[0], shard=number % 8)], clock.now_ms)
    clock.advance(60)
    place = FeedPosition.at(int(STARTS_AT_S) * 1000)
    assert len(ChangeFeed(clock, 1).read(project, place, 100, shards=8).entries) == 12


@pytest.mark.parametrize("late_s", [0, 60])
def test_what_is_told_again_with_another_number_of_shards_is_there_once(clock: Clock, late_s: float) -> None:
    """A batch failed, as while the topic did not answer, and `SHARDS` was changed until it came again."""
    project, written_ms = a_project(), clock.now_ms
    several = [told(clock, project) for _ in range(6)]
    clock.advance(late_s)
    for shards in (SHARDS, 1, 8):
        for one in several:
            ChangeFeed(clock, shards).add(one, written_ms)
        clock.advance(60)
    assert sorted(ids(read_all(ChangeFeed(clock, 8), project))) == sorted(one.id for (one,) in several)


def test_who_tells_with_more_shards_than_readers_know_of_is_read(clock: Clock) -> None:
    """A deployment that raises `SHARDS` replaces one function after the other."""
    project = a_project()
    several = [told(clock, project) for _ in range(6)]
    for one in several:
        ChangeFeed(clock, 8).add(one, clock.now_ms)
    clock.advance(60)
    assert sorted(ids(read_all(ChangeFeed(clock, SHARDS), project))) == sorted(one.id for (one,) in several)


@pytest.mark.parametrize("text", ["", "x", "5", "18000000000000", "1800000000000#a#b#1", "1800000000000#1#", "²" * 13])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no place in the feed; send `after` as an answer gave it"):
        FeedPosition.read(text)


# --- Told again, told late, told by one that dies -----------------------------------------------------------------


def test_what_is_told_again_is_there_once_soon_or_late(clock: Clock) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    several = told(clock, project, people=2)
    written_ms = clock.now_ms
    for seconds in (0, 1, 1, 5, 60, 3600):
        clock.advance(seconds)
        feed.add(several, written_ms)
    clock.advance(60)
    assert ids(read_all(feed, project)) == [change.id for change in several]


def test_what_is_told_late_appears_behind_where_readers_are(clock: Clock) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    several = told(clock, project)
    written_ms = clock.now_ms
    clock.advance(3600)
    page = feed.read(project, None, 10)
    while not page.is_last:
        page = feed.read(project, page.after, 10)
    for _ in range(3):
        feed.add(several, written_ms)
        clock.advance(20)
    clock.advance(60)
    assert ids(feed.read(project, page.after, 10).entries) == [several[0].id]


def test_a_table_that_is_slow_is_told_to_the_caller_and_nothing_comes_behind_a_reader(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, project = ChangeFeed(clock, SHARDS), a_project()
    several = told(clock, project)
    written_ms = clock.now_ms
    clock.advance(60)
    note = change_feed._note

    def slow(*args: object) -> bool:
        is_noted = note(*args)  # type: ignore[arg-type] # because they are passed on
        clock.advance(2)
        return is_noted

    with monkeypatch.context() as patch:
        patch.setattr(change_feed, "_note", slow)
        with pytest.raises(Contention, match="told by others, or the table is slow"):
            feed.add(several, written_ms)
    feed.add(several, written_ms)
    clock.advance(60)
    assert ids(read_all(feed, project)) == [several[0].id]


def test_what_comes_late_is_three_calls_and_two_when_it_comes_again(clock: Clock) -> None:
    """On a laptop that is busy sending, nearly everything comes late."""
    calls: list[str] = []

    def store(items: Sequence[ChangeItem], may_begin: Callable[[], bool]) -> None:
        calls.append("store")
        put_all(items, may_begin)

    def find(model: type[Model], keys: Sequence[Raw], *, is_consistent: bool = False) -> list[Raw]:
        calls.append("find")
        return get_all(model, keys, is_consistent=is_consistent)

    feed, project = ChangeFeed(clock, SHARDS, store, find), a_project()
    several, written_ms = told(clock, project), clock.now_ms
    clock.advance(60)
    feed.add(several, written_ms)
    assert calls == ["find", "store"]  # and between them, the time is noted
    clock.advance(60)
    calls.clear()
    feed.add(several, written_ms)
    assert calls == ["find", "find"]
    clock.advance(60)
    assert ids(read_all(feed, project)) == [several[0].id]


@dataclass
class Run:
    """A stream that is told entry by entry, each again until it succeeds; and a reader who comes now and then."""

    clock: Clock
    feed: ChangeFeed
    project: str
    patch: pytest.MonkeyPatch
    chance: random.Random
    place: FeedPosition | None = None
    seen: list[Entry] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    expected: list[EmailChange] = field(default_factory=list)

    def tell(self) -> None:
        email_id = f"eml_{self.project}-{self.chance.randrange(3)}"
        self.versions[email_id] = self.versions.get(email_id, 0) + 1
        several = told(self.clock, self.project, email_id, self.versions[email_id], self.chance.choice([1, 1, 3]))
        self.expected += several
        written_ms = self.clock.now_ms // 1000 * 1000  # as the stream says it
        self.clock.advance(self.chance.choice([0, 0, 0.2, 0.9, 1.5, 3, 12, 400]))
        while not self.survives(several, written_ms):
            self.read()
            self.clock.advance(self.chance.choice([0, 0.5, 1.5, 5, 15, 90]))
        if self.chance.random() < 0.3:  # its worker died after it, and it is told again
            self.clock.advance(self.chance.choice([0, 1, 30]))
            self.feed.add(several, written_ms)

    def survives(self, several: list[EmailChange], written_ms: int) -> bool:
        """Tell, by a process that may die before or after any of its writes."""
        left = self.chance.choice([0, 1, 2, 3, 9, 9, 9])

        def dying(write: object) -> object:
            def call(*args: object) -> object:
                nonlocal left
                answer = None
                for do in (lambda: None, lambda: write(*args)):  # type: ignore[operator] # because it is a function
                    answer = do()
                    left -= 1
                    if left == 0:
                        raise Crash
                return answer

            return call

        with self.patch.context() as patch:
            patch.setattr(change_feed, "put_all", dying(put_all))
            patch.setattr(change_feed, "_note", dying(change_feed._note))
            with suppress(Crash):
                ChangeFeed(self.clock, SHARDS).add(several, written_ms)
                return True
        return False

    def read(self) -> None:
        if self.chance.random() < 0.5:
            page = self.feed.read(self.project, self.place, self.chance.randrange(1, 4))
            self.seen += page.entries
            self.place = page.after


@pytest.mark.timeout(300)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))  # what is drawn follows from it, and not from the order in which threads come
def test_whatever_dies_each_reader_sees_each_change_once_and_in_order(number: int) -> None:
    chance, clock = random.Random(number), Clock()  # noqa: S311 because nothing is secret here
    clock.now_s = STARTS_AT_S
    with pytest.MonkeyPatch.context() as patch:
        run = Run(clock, ChangeFeed(clock, SHARDS), a_project(), patch, chance)
        run.place = FeedPosition.at(clock.now_ms)
        for _ in range(12):
            run.tell()
            run.read()
            clock.advance(chance.choice([0, 0, 0.3, 2, 20]))
    clock.advance(60)
    is_last = False
    while not is_last:
        page = run.feed.read(run.project, run.place, 4)
        run.seen += page.entries
        run.place, is_last = page.after, page.is_last
    assert sorted(ids(run.seen)) == sorted(change.id for change in run.expected)
    for email_id in run.versions:
        sequences = [entry["data"]["sequence"] for entry in run.seen if entry["data"]["email_id"] == email_id]
        assert sequences == sorted(sequences)
