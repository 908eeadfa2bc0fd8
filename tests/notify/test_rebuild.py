"""What the stream has not told is found in heads and events, told once, and never told again."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from app.domain.attempts import Attempt
from app.domain.head import Head, Status
from app.domain.kinds import Kind
from app.notify import rebuild as rebuilding
from app.notify.rebuild import KNOWN_MS, SETTLED_MS, Rebuild, Rebuilt
from app.settings import Settings
from app.store.head_items import HeadItem, as_item
from app.store.heads import Heads
from app.store.partitions import Partitions
from app.wiring.rebuild import build_rebuild
from tests.support.crash import Crash
from tests.support.feed_project import URL, FeedProject

pytestmark = pytest.mark.usefixtures("store")
HOUR_MS = 3_600_000


@pytest.fixture
def told() -> Iterator[FeedProject]:
    told = FeedProject()
    Partitions(told.clock).note(told.project)
    with told.stream.recording():
        yield told


def rebuild_of(told: FeedProject) -> Rebuild:
    return build_rebuild(Settings.from_env({}), told.clock, told.publish)


def heal(told: FeedProject, *, notify: bool = False, from_ms: int = 0, to_ms: int = 0, before_ms: int = 0) -> Rebuilt:
    """Heal what was accepted within the last day, an hour after what was written last."""
    told.clock.advance(3600)
    now_ms = told.clock.now_ms
    parts = rebuild_of(told)(
        from_ms or now_ms - 24 * HOUR_MS,
        to_ms or now_ms,
        before_ms or now_ms - SETTLED_MS,
        notify=notify,
        project=told.project,
    )
    return sum(parts, Rebuilt())


def lost(told: FeedProject, *places: int) -> None:
    """These records of the stream were never told; all others were."""
    told.stream.records = [one for place, one in enumerate(told.stream.records) if place not in places]
    while not told.shard.is_done:
        assert told.shard.hand_over(100)


def test_nothing_is_told_of_what_is_complete(told: FeedProject) -> None:
    head = told.becomes(told.becomes(told.accept(), Status.SENT), Status.DELIVERED)
    told.opened(head)
    lost(told)
    assert heal(told) == Rebuilt(emails=1)
    assert told.types() == ["email.queued", "email.sent", "email.delivered", "email.opened"]


@pytest.mark.parametrize(
    ("places", "types"),
    [
        ([0, 1, 2, 3], ["email.sent", "email.delivered", "email.opened"]),  # how it began is not known any more
        ([1], ["email.queued", "email.delivered", "email.opened"]),  # what led there was told by what came later
        ([2], ["email.queued", "email.sent", "email.opened", "email.delivered"]),
        ([3], ["email.queued", "email.sent", "email.delivered", "email.opened"]),
        ([1, 2, 3], ["email.queued", "email.sent", "email.delivered", "email.opened"]),
    ],
)
def test_what_was_lost_is_told_and_told_once(told: FeedProject, places: list[int], types: list[str]) -> None:
    head = told.becomes(told.becomes(told.accept(), Status.SENT), Status.DELIVERED)
    told.opened(head)
    lost(told, *places)
    before = len(told.entries())
    done = heal(told)
    assert done == Rebuilt(emails=1, changes=len(told.entries()) - before)
    assert told.types() == types
    assert heal(told) == Rebuilt(emails=1)
    assert told.types() == types
    assert told.published == []


def test_two_that_heal_at_once_tell_it_once(told: FeedProject) -> None:
    told.becomes(told.accept(), Status.SENT)
    lost(told, 1)
    told.clock.advance(3600)
    now_ms = told.clock.now_ms
    for _ in range(2):  # the second cannot read yet what the first has told
        told.clock.advance(2)
        assert list(rebuild_of(told)(now_ms - 24 * HOUR_MS, now_ms, now_ms, project=told.project))
    assert told.types() == ["email.queued", "email.sent"]


def test_a_dead_letter_that_is_told_after_all_tells_nothing_twice(told: FeedProject) -> None:
    told.becomes(told.accept(), Status.SENT)
    (one,) = told.stream.records[1:]
    lost(told, 1)
    heal(told)
    told.stream.records.append(one)
    assert told.shard.hand_over(1) == 1
    assert told.types() == ["email.queued", "email.sent"]


def test_of_several_recipients_only_the_one_that_was_left_out_is_told(told: FeedProject) -> None:
    ann, bob = (a.recipients for a in (told.accept(), told.accept()))
    head = told.accept(recipients={**ann, **bob})
    (first, second) = head.recipients
    told.shard.hand_over(10)
    sent = {first: replace(head.recipients[first], status=Status.SENT), second: head.recipients[second]}
    head = stored(Heads().update(replace(head, recipients=sent), told.clock.now_ms))
    told.shard.hand_over(10)
    # Under the version that has told of the first, the second is missing.
    both = {key: replace(one, status=Status.SENT) for key, one in head.recipients.items()}
    head = stored(Heads().update(replace(head, recipients=both, version=head.version), told.clock.now_ms))
    told.stream.records.pop()
    assert heal(told) == Rebuilt(emails=3, changes=1)
    own = [entry for entry in told.entries() if entry["data"]["email_id"] == head.email_id]
    assert [(one["type"], one["data"]["recipient"]) for one in own[-1:]] == [
        ("email.sent", head.recipients[second].address)
    ]
    assert heal(told) == Rebuilt(emails=3)


def stored(head: Head | None) -> Head:
    assert head is not None
    return head


def test_a_failover_that_was_not_told_is_told(told: FeedProject) -> None:
    head = told.accept()
    (key,) = head.recipients
    calls = [Attempt(n, name, (key,), told.clock.now_ms, Kind.UNAVAILABLE) for n, name in ((1, "ses"), (2, "mailgun"))]
    for number, _ in enumerate(calls, 1):
        head = stored(
            Heads().update(replace(head, attempts=tuple(calls[:number]), next_attempt=number + 1), told.clock.now_ms)
        )
    lost(told, 2)
    assert told.types() == ["email.queued"]
    assert heal(told) == Rebuilt(emails=1, changes=1)
    assert told.types() == ["email.queued", "email.failed_over"]
    assert heal(told) == Rebuilt(emails=1)


def test_what_was_written_lately_is_left_to_the_stream(told: FeedProject) -> None:
    head = told.becomes(told.accept(), Status.SENT)
    told.opened(head)
    lost(told, 1, 2)
    assert heal(told, before_ms=head.written_at_ms) == Rebuilt(emails=1, left_alone=1)
    told.clock.advance(10)
    told.opened(head)
    told.stream.records.clear()
    assert heal(told, before_ms=head.written_at_ms + 5000) == Rebuilt(emails=1, changes=2)
    assert told.types() == ["email.queued", "email.sent", "email.opened"]


def test_what_cannot_be_read_is_passed_over(told: FeedProject) -> None:
    damaged = told.accept()
    lost(told, 0)
    item = HeadItem.get(damaged.email_id, "email")
    item.recipients = {"x": 5}
    item.save()
    assert heal(told) == Rebuilt(emails=1, passed_over=1)


def test_only_what_was_accepted_in_that_time_is_compared(told: FeedProject) -> None:
    times = []
    for _ in range(3):
        times.append(told.accept().created_at_ms)
        told.clock.advance(60)
    lost(told, 0, 1, 2)
    assert heal(told, from_ms=times[1], to_ms=times[2]) == Rebuilt(emails=1, changes=1)
    assert told.types() == ["email.queued"]
    assert heal(told) == Rebuilt(emails=3, changes=2)


def test_many_emails_are_compared_part_by_part(told: FeedProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "COMPARED_TOGETHER", 3)
    for _ in range(8):
        told.becomes(told.accept(), Status.SENT)
        told.clock.advance(60)
    lost(told, 3, 9, 15)
    told.clock.advance(3600)
    now_ms = told.clock.now_ms
    parts = list(rebuild_of(told)(now_ms - 24 * HOUR_MS, now_ms, now_ms, project=told.project))
    assert [part.emails for part in parts] == [3, 3, 2]
    assert sum(parts, Rebuilt()).changes == 3
    assert heal(told) == Rebuilt(emails=8)


def test_what_was_healed_is_published_if_that_is_asked_for(told: FeedProject, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    told.becomes(told.accept(webhook_url=URL), Status.SENT)
    lost(told, 1)
    told.published.clear()
    taking, refusing = told.endpoint(), told.endpoint()
    told.refused = {refusing}
    assert heal(told, notify=True) == Rebuilt(emails=1, unpublished=1)
    expected = {("email.sent", "default"), ("email.sent", taking)}
    assert {(one.type, one.endpoint_id) for one in told.published} == expected
    assert [vars(one)["endpoint_id"] for one in caplog.records if one.getMessage() == "not published"] == [refusing]
    assert told.types() == ["email.queued"]  # so that it is found again
    told.refused = set()
    assert heal(told, notify=True) == Rebuilt(emails=1, changes=1)
    assert {(one.type, one.endpoint_id) for one in told.published} == expected | {("email.sent", refusing)}
    assert len({one.event_id for one in told.published}) == 1
    assert told.types() == ["email.queued", "email.sent"]


@pytest.mark.parametrize("dies_at", range(6))
def test_whoever_dies_at_any_step_is_followed_by_one_that_publishes_all_of_it(told: FeedProject, dies_at: int) -> None:
    for _ in range(2):
        head = told.becomes(told.becomes(told.accept(webhook_url=URL), Status.SENT), Status.DELIVERED)
        told.opened(head)
    lost(told, 1, 2, 3, 5, 6, 7)
    told.published.clear()
    told.clock.advance(3600)
    now_ms = told.clock.now_ms
    steps = count()

    def step(call: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*args: Any) -> Any:
            if next(steps) == dies_at:
                raise Crash
            return call(*args)

        return stepping

    healing = build_rebuild(Settings.from_env({}), told.clock, step(told.publish))
    healing.feed._store = step(healing.feed._store)  # type: ignore[attr-defined] # because it is a ChangeFeed
    is_dead = False
    try:
        list(healing(now_ms - 24 * HOUR_MS, now_ms, now_ms - SETTLED_MS, notify=True, project=told.project))
    except Crash:
        is_dead = True
    assert is_dead == (dies_at < 5)  # a publication, and of each email an item of the head and one of the event
    heal(told, notify=True)
    expected = {(one["data"]["email_id"], one["type"], one["id"]) for one in told.entries()}
    assert len(expected) == len(told.entries()) == 8
    published = {(one.email_id, one.type, one.event_id) for one in told.published}
    assert published == {one for one in expected if one[1] != "email.queued"}


def test_a_table_that_was_restored_to_an_earlier_state_tells_nothing(told: FeedProject) -> None:
    head = told.becomes(told.accept(), Status.SENT)
    told.becomes(told.becomes(head, Status.DELIVERED), Status.COMPLAINED)
    lost(told)
    restored = replace(head, version=head.version + 1)  # as it was before it was delivered
    assert Heads().get(head.email_id) is not None
    _overwrite(restored)
    assert heal(told) == Rebuilt(emails=1)


def _overwrite(head: Head) -> None:
    as_item(replace(head, version=head.version - 1), head.written_at_ms).save()


def test_what_the_feed_has_forgotten_is_refused(told: FeedProject) -> None:
    from_ms = told.clock.now_ms - KNOWN_MS - 1
    with pytest.raises(ValueError, match="lies more than 29 days back"):
        list(rebuild_of(told)(from_ms, told.clock.now_ms, told.clock.now_ms))


def test_all_projects_are_healed(told: FeedProject) -> None:
    told.accept()
    lost(told, 0)
    told.clock.advance(3600)
    now_ms = told.clock.now_ms
    done = sum(rebuild_of(told)(now_ms - 24 * HOUR_MS, now_ms, now_ms), Rebuilt())
    assert done.changes >= 1
    assert told.types() == ["email.queued"]
