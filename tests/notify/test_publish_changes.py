"""From records of the stream to the feed and to receivers: who is told, and what happens to what cannot be told."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from app.domain.change_types import ChangeType
from app.domain.endpoint import Disabled
from app.domain.head import Status
from app.domain.kinds import Kind
from app.errors import ServiceUnavailable
from app.local.invocation import Context
from app.notify.notification import DEFAULT_ENDPOINT
from app.notify.publish_changes import PublishChanges
from app.settings import Settings
from app.store.change_feed import ChangeFeed
from app.store.events import Events
from app.store.head_items import HeadItem
from app.wiring.changes import build_publish_changes
from tests.support.clock import Clock
from tests.support.feed_project import URL, FeedProject
from tests.support.stream import Record, Shard, record
from workers.changes import STOP_BEFORE_S, handle

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture
def told() -> Iterator[FeedProject]:
    told = FeedProject()
    with told.stream.recording():
        yield told


def lines(caplog: pytest.LogCaptureFixture, message: str) -> list[dict[str, Any]]:
    return [vars(one) for one in caplog.records if one.getMessage() == message]


def test_what_becomes_of_an_email_is_told_in_its_order(told: FeedProject) -> None:
    head = told.accept()
    head = told.becomes(told.becomes(head, Status.SENDING), Status.SENT)
    told.opened(head)
    told.becomes(head, Status.DELIVERED)
    assert told.shard.hand_over(10) == 5
    assert told.types() == ["email.queued", "email.sent", "email.opened", "email.delivered"]
    assert told.published == []


def test_a_report_that_the_head_tells_is_told_once_and_nobody_asks_for_the_head(told: FeedProject) -> None:
    head = told.accept()
    told.opened(head, Kind.DELIVERED)
    told.publish_changes = replace(told.publish_changes, heads=None)  # type: ignore[arg-type] # because nobody is to ask it
    assert Shard(told.stream, told.publish_changes).hand_over(10) == 2
    assert told.types() == ["email.queued"]


def test_an_event_that_is_stored_again_is_not_told_again(told: FeedProject) -> None:
    head = told.accept()
    told.opened(head)
    Events().keep(head.email_id, head.ttl_s + 9)
    assert [one["eventName"] for one in told.stream.records] == ["INSERT", "INSERT", "MODIFY"]
    told.shard.hand_over(10)
    assert told.types() == ["email.queued", "email.opened"]


def test_what_is_deleted_and_what_is_no_part_of_an_email_is_not_told(told: FeedProject) -> None:
    head = told.accept()
    raw = told.stream.items[head.email_id, "email"]
    told.stream.records.append(record(2, told.clock(), raw, None))
    told.stream.records.append(record(3, told.clock(), None, {**raw, "part": {"S": "content"}}))
    assert told.shard.hand_over(10) == 3
    assert told.types() == ["email.queued"]


def test_each_endpoint_gets_what_it_wants_and_the_url_of_the_email_everything(told: FeedProject) -> None:
    everything = told.endpoint()
    some = told.endpoint(types=(ChangeType.SENT,))
    told.endpoint(disabled=Disabled.BY_USER, disabled_at_ms=1)
    told.endpoint(id=DEFAULT_ENDPOINT, url="")
    head = told.becomes(told.accept(webhook_url=URL), Status.SENT)
    told.opened(head)
    told.shard.hand_over(10)
    got = {one: [n.type for n in told.published if n.endpoint_id == one] for one in (everything, some)}
    assert got == {everything: ["email.queued", "email.sent", "email.opened"], some: ["email.sent"]}
    own = [one for one in told.published if one.endpoint_id == DEFAULT_ENDPOINT]
    assert [(one.type, one.url) for one in own] == [(kind, URL) for kind in got[everything]]
    assert len(told.published) == 7
    for one in told.published:
        assert (one.project, one.email_id, one.tries) == (told.project, head.email_id, 0)
        assert one.published_ms == told.clock.now_ms
    entries = told.entries()
    assert [{"id": one.event_id, **json.loads(one.body)} for one in own] == entries


def test_without_a_topic_the_feed_is_told_all_the_same(told: FeedProject) -> None:
    told.endpoint()
    told.accept(webhook_url=URL)
    tell = build_publish_changes(Settings.from_env({}), told.clock, None)
    assert Shard(told.stream, tell).hand_over(10) == 1
    assert (told.types(), told.published) == (["email.queued"], [])


# --- What fails ---------------------------------------------------------------------------------------------------


def test_a_head_that_cannot_be_read_is_passed_over_with_a_line_that_alarms(
    told: FeedProject, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = told.accept(), told.accept()
    told.becomes(bad, Status.SENT)
    told.becomes(good, Status.SENT)
    del told.stream.records[0]["dynamodb"]["NewImage"]["fingerprint"]
    assert told.shard.hand_over(10) == 4
    assert sorted((one["type"], one["data"]["email_id"]) for one in told.entries()) == sorted(
        [("email.queued", good.email_id), ("email.sent", bad.email_id), ("email.sent", good.email_id)]
    )
    assert [line["email_id"] for line in lines(caplog, "record passed over")] == [bad.email_id]


def test_an_event_that_cannot_be_read_is_passed_over(told: FeedProject, caplog: pytest.LogCaptureFixture) -> None:
    head = told.accept()
    told.opened(head)
    told.stream.records[1]["dynamodb"]["NewImage"]["kind"] = {"N": "7"}
    assert told.shard.hand_over(10) == 2
    assert (told.types(), len(lines(caplog, "record passed over"))) == (["email.queued"], 1)


def test_an_event_whose_head_cannot_be_read_is_passed_over(told: FeedProject) -> None:
    head = told.accept()
    told.opened(head)
    item = HeadItem.get(head.email_id, "email")
    item.recipients = {"x": 5}
    item.save()
    assert told.shard.hand_over(10) == 2
    assert told.types() == ["email.queued"]


def test_an_event_of_an_email_that_is_gone_is_passed_over(told: FeedProject, caplog: pytest.LogCaptureFixture) -> None:
    head = told.accept()
    told.opened(head)
    HeadItem(head.email_id, "email").delete()
    assert told.shard.hand_over(10) == 2
    assert told.types() == ["email.queued"]
    assert [line["email_id"] for line in lines(caplog, "email gone, its event is not told")] == [head.email_id]


def test_a_record_without_its_images_fails(told: FeedProject) -> None:
    told.becomes(told.accept(), Status.SENT)
    del told.stream.records[1]["dynamodb"]["OldImage"]
    assert told.shard.hand_over(10) == 1


def test_what_is_no_record_fails_as_a_whole(told: FeedProject) -> None:
    with pytest.raises(KeyError):
        handle(told.publish_changes, {"Records": [{"eventName": "INSERT"}]}, None)


def test_the_lowest_of_several_that_failed_is_where_to_go_on(told: FeedProject) -> None:
    heads = [told.accept() for _ in range(4)]
    for place in (1, 3):
        del told.stream.records[place]["dynamodb"]["NewImage"]
    assert told.shard.hand_over(10) == 1
    assert {one["data"]["email_id"] for one in told.entries()} == {heads[0].email_id, heads[2].email_id}


def test_what_the_topic_does_not_take_comes_again_and_is_in_the_feed_once(
    told: FeedProject, caplog: pytest.LogCaptureFixture
) -> None:
    taken, refused = told.endpoint(), told.endpoint()
    told.refused = {refused}
    head = told.accept()
    told.becomes(head, Status.SENT)
    assert told.shard.hand_over(10) == 0
    assert {line["endpoint_id"] for line in lines(caplog, "not published")} == {refused}
    told.refused = set()
    assert told.shard.hand_over(10) == 2
    assert told.types() == ["email.queued", "email.sent"]
    by_endpoint = {one: [n.type for n in told.published if n.endpoint_id == one] for one in (taken, refused)}
    assert by_endpoint == {taken: ["email.queued", "email.sent"] * 2, refused: ["email.queued", "email.sent"]}
    assert len({one.event_id for one in told.published}) == 2


def test_a_feed_that_does_not_answer_fails_what_it_did_not_take(told: FeedProject) -> None:
    class Broken:
        def add(self, *_: object) -> None:
            raise ServiceUnavailable("the table does not answer")

    told.endpoint()
    told.accept()
    assert Shard(told.stream, replace(told.publish_changes, feed=Broken())).hand_over(10) == 0
    assert told.published == []  # first the feed, then who is told by a webhook
    assert told.shard.hand_over(10) == 1


def test_what_failed_is_told_before_what_came_behind_it_however_late_that_is(told: FeedProject) -> None:
    told.becomes(told.accept(), Status.SENT)
    told.clock.advance(60)  # whoever is told late is told under the time at which that is

    class FailingOnce:
        is_next = True

        def add(self, *arguments: Any) -> None:
            if self.is_next:
                self.is_next = False
                raise ServiceUnavailable("the table does not answer")
            ChangeFeed(told.clock, 4).add(*arguments)

    shard = Shard(told.stream, replace(told.publish_changes, feed=FailingOnce()))
    assert shard.hand_over(10) == 0
    told.clock.advance(30)
    assert shard.hand_over(10) == 2
    assert told.types() == ["email.queued", "email.sent"]


# --- Time ---------------------------------------------------------------------------------------------------------


class Slow:
    """A feed that takes a second for each write."""

    def __init__(self, told: FeedProject, monotonic: Clock) -> None:
        self._feed, self._monotonic = ChangeFeed(told.clock, 4), monotonic

    def add(self, *arguments: Any) -> None:
        self._monotonic.advance(1)
        self._feed.add(*arguments)


def slow(told: FeedProject) -> PublishChanges:
    monotonic = Clock()
    return replace(told.publish_changes, feed=Slow(told, monotonic), monotonic=monotonic)


def test_what_would_begin_too_late_comes_again(told: FeedProject, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    head = told.accept()
    for status in (Status.SENDING, Status.SENT, Status.DELIVERED):
        head = told.becomes(head, status)
    shard = Shard(told.stream, slow(told))
    assert shard.hand_over(10, Context("changes", STOP_BEFORE_S + 2)) == 2
    (line,) = lines(caplog, "changes published")
    assert (line["records"], line["late"], line["failed"]) == (4, 1, 1)
    assert shard.hand_over(10, Context("changes", STOP_BEFORE_S + 60)) == 2
    assert told.types() == ["email.queued", "email.sent", "email.delivered"]


def test_the_first_record_is_told_however_little_time_there_is(told: FeedProject) -> None:
    told.becomes(told.accept(), Status.SENT)
    shard = Shard(told.stream, slow(told))
    assert [shard.hand_over(10, Context("changes", 1)) for _ in range(2)] == [1, 1]
    assert told.types() == ["email.queued", "email.sent"]


# --- The line of the log ------------------------------------------------------------------------------------------


def test_a_batch_is_one_line_with_its_counts_and_the_age_of_the_oldest(
    told: FeedProject, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    told.endpoint()
    began_s = int(told.clock())
    for _ in range(3):
        told.becomes(told.accept(), Status.SENT)
        told.clock.advance(10)
    told.shard.hand_over(100)
    (line,) = lines(caplog, "changes published")
    expected = {"records": 6, "emails": 3, "changes": 6, "notifications": 6, "unpublished": 0, "late": 0, "failed": 0}
    assert {name: line[name] for name in expected} == expected
    assert line["age_ms"] == int((told.clock() - began_s) * 1000)


def test_no_records_are_no_work(told: FeedProject) -> None:
    nothing: list[Record] = []
    assert handle(told.publish_changes, {"Records": nothing}, None) == {"batchItemFailures": []}
