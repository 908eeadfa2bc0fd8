"""A table that is slow: no call begins that stores an entry where readers have passed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from app.domain.change_types import ChangeType
from app.domain.changes import EmailChange, changes
from app.domain.email import Role
from app.domain.head import Recipient
from app.errors import ServiceUnavailable
from app.store.batches import put_all
from app.store.change_feed import FRESH_MS, HELD_BACK_MS, PROMPT_MS, ChangeFeed, FeedPosition
from app.store.change_items import MOST_BYTES, ChangeItem, items_of
from tests.support.clock import Clock
from tests.support.samples import a_head

pytestmark = pytest.mark.usefixtures("feed_table")


def several_items(clock: Clock) -> list[EmailChange]:
    """What became of an email to so many that it takes more than one item."""
    names = [f"{n}-{'x' * 200}@example.net" for n in range(50)]
    recipients = {name: Recipient(name, Role.TO) for name in names}
    own = {"email_id": f"eml_{uuid4().hex}", "project": f"p{uuid4().hex[:12]}"}
    head = a_head(clock.now_ms, recipients=recipients, tags=("t" * 2000,), shard=0, **own)
    told = list(changes(None, head, clock.now_ms))
    assert len(items_of(told, clock.now_ms)) >= 2, MOST_BYTES
    assert {change.type for change in told} == {ChangeType.QUEUED}
    return told


@dataclass
class SlowTable:
    """Each call takes `takes_s`. A follower reads on after each."""

    clock: Clock
    takes_s: list[float]
    begun_behind_ms: list[int] = field(default_factory=list)
    position: FeedPosition | None = None
    seen: list[str] = field(default_factory=list)

    def store(self, items: Sequence[ChangeItem], may_begin: Callable[[], bool]) -> None:
        self.begun_behind_ms += [self.clock.now_ms - int(item.part[:13]) for item in items]
        put_all(items, may_begin)
        self.clock.advance(self.takes_s.pop(0) if self.takes_s else 0)
        self.follow(items[0].partition.partition("#")[0])

    def follow(self, project: str) -> None:
        page = ChangeFeed(self.clock, 1).read(project, self.position, 1000)
        self.seen += [entry["id"] for entry in page.entries]
        self.position = page.after


@pytest.mark.parametrize("late_s", [0.0, 60.0])
@pytest.mark.parametrize("takes_s", [[9.0], [1.1, 9.0], [0.9, 1.9], [0.0, 9.0, 9.0]])
def test_whatever_a_call_takes_the_next_one_begins_in_time_and_a_follower_sees_all(
    clock: Clock, takes_s: list[float], late_s: float
) -> None:
    told, written_ms = several_items(clock), clock.now_ms
    table = SlowTable(clock, list(takes_s))
    clock.advance(late_s)
    ChangeFeed(clock, 1, table.store).add(told, written_ms)
    assert max(table.begun_behind_ms) <= FRESH_MS
    clock.advance(60)
    for _ in range(40):
        table.follow(told[0].project)
    assert sorted(table.seen) == sorted(change.id for change in told)


@pytest.mark.parametrize("late_s", [0.0, 60.0])
def test_what_is_left_undone_is_not_tried_again_where_readers_have_passed(clock: Clock, late_s: float) -> None:
    asked = []

    def busy(items: Sequence[ChangeItem], may_begin: Callable[[], bool]) -> None:
        asked.append(may_begin())
        clock.advance((PROMPT_MS + HELD_BACK_MS) / 1000)
        asked.append(may_begin())
        raise ServiceUnavailable("the table left it undone")

    told, written_ms = several_items(clock), clock.now_ms
    clock.advance(late_s)
    with pytest.raises(ServiceUnavailable):
        ChangeFeed(clock, 1, busy).add(told, written_ms)
    assert asked == [True, False]


def test_readers_stay_behind_for_as_long_as_the_documents_say() -> None:
    assert (PROMPT_MS, HELD_BACK_MS) == (2000, 10_000)  # docs/api.md, "The feed"
