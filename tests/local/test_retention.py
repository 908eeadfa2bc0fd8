import secrets
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest

from app.domain.email import Attachment, Content
from app.domain.head import Head
from app.domain.kinds import Kind
from app.domain.listing import Position, Wanted
from app.errors import NotFound
from app.local import aws, retention
from app.local.mode import LocalError
from app.store.head_items import HeadItem
from tests.support.aws import BUCKET, REGION
from tests.support.damage import put
from tests.support.harness import Harness, OwnHeads
from tests.support.logged import reasons
from tests.support.samples import an_email, somebody

LARGE = Content(
    subject="A large one",
    text="See the file.",
    tags=("receipt",),
    attachments=(Attachment("noise.bin", "application/octet-stream", secrets.token_bytes(400_000)),),
)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PAUSE_S", 0)


def env(harness: Harness) -> Mapping[str, str]:
    return {
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": harness.aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "CONTENT_BUCKET": BUCKET,
        "TABLE_PREFIX": HeadItem.Meta.table_name.removesuffix("emails"),
    }


def keeper(harness: Harness, kept: int, heads: Any = None) -> retention.Retention:
    own: Any = heads or OwnHeads(harness)
    return retention.Retention(env(harness), kept, own, harness.partitions.created, harness.clock)


def delivered(harness: Harness, **fields: Any) -> str:
    """An email that was delivered, a second after the one before."""
    harness.clock.advance(1)
    email_id = harness.take(an_email(**fields))
    harness.work()
    harness.report(harness.event(email_id, Kind.DELIVERED))
    return email_id


def left(harness: Harness, email_id: str) -> list[str]:
    """The keys of all items, and of all objects, in which the email's id occurs."""
    settings = env(harness)
    pages = aws.client("dynamodb", settings).get_paginator("scan").paginate(TableName=HeadItem.Meta.table_name)
    items = [item for page in pages for item in page["Items"]]
    found = [item["email_id"]["S"] for item in items if email_id in item["email_id"]["S"] + item["part"]["S"]]
    objects = harness.aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"content/10d/{email_id}/")
    return found + [each["Key"] for each in objects.get("Contents", ())]


def test_the_newest_emails_are_kept_and_nothing_is_left_of_the_others(harness: Harness) -> None:
    old = [delivered(harness, content=LARGE), delivered(harness, cc=(somebody(), somebody()))]
    new = [delivered(harness) for _ in range(3)]
    assert len(left(harness, old[0])) >= 6  # head, content, event, entries by recipient and tag, object
    assert keeper(harness, 3).trim(threading.Event()) == 2
    assert [left(harness, email_id) for email_id in old] == [[], []]
    for email_id in new:
        assert harness.read.story(email_id, None).events
    with pytest.raises(NotFound):
        harness.read.story(old[0], None)


def test_an_email_that_is_under_way_is_kept_however_old_it_is(harness: Harness) -> None:
    queued = harness.take(an_email())
    harness.published()  # its message is lost
    old, new = delivered(harness), delivered(harness)
    harness.clock.advance(3600)
    late = harness.take(an_email())
    assert keeper(harness, 2).trim(threading.Event()) == 1
    assert left(harness, old) == []
    assert all(left(harness, email_id) for email_id in (queued, new, late))


def test_what_was_accepted_since_is_counted_the_next_time(harness: Harness) -> None:
    first = keeper(harness, 2)
    old = [delivered(harness) for _ in range(2)]
    assert first.trim(threading.Event()) == 0
    harness.clock.advance(7200)
    new = [delivered(harness) for _ in range(2)]
    assert first.trim(threading.Event()) == 2
    assert first.trim(threading.Event()) == 0
    assert [bool(left(harness, email_id)) for email_id in old + new] == [False, False, True, True]


def test_an_email_that_moves_on_in_this_moment_is_kept(harness: Harness) -> None:
    old, _ = delivered(harness), delivered(harness)

    class MovesOn(OwnHeads):
        def get_many(self, email_ids: list[str]) -> list[Head]:
            found = harness.heads.get_many(email_ids)
            harness.report(harness.event(old, Kind.COMPLAINED))
            return found

    assert keeper(harness, 1, MovesOn(harness)).trim(threading.Event()) == 0
    assert harness.read.story(old, None).events


def test_it_ends_when_it_is_told_to(harness: Harness) -> None:
    for _ in range(2):
        delivered(harness)
    stop = threading.Event()
    stop.set()
    keeper(harness, 1).run(stop)  # returns
    assert harness.read.page(Wanted(), None, 100).heads


def test_a_failure_is_a_line_in_the_log_and_the_next_minute_goes_on(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The emulator may be starting again."""
    own: Any = OwnHeads(harness)
    nobody = retention.Retention(
        {**env(harness), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 1, own, harness.partitions.created
    )
    for _ in range(2):
        delivered(harness)
    stop = threading.Event()
    monkeypatch.setattr(retention, "INTERVAL_S", 0.01)
    thread = threading.Thread(target=nobody.run, args=(stop,))
    thread.start()
    while "EndpointConnectionError" not in reasons(caplog, "old emails cannot be deleted"):
        thread.join(0.05)
        assert thread.is_alive()
    stop.set()
    thread.join(60)
    assert not thread.is_alive()


def test_a_malformed_position_is_left_as_it_is(harness: Harness) -> None:
    old, _ = delivered(harness), delivered(harness)
    partition = next(iter(harness.partitions.created))
    damage = {"email_id": {"S": f"eml_{uuid4().hex}"}, "part": {"S": "email"}}
    put(HeadItem, {**damage, "created_shard": {"S": partition}, "created_key": {"S": "garbage"}})
    assert keeper(harness, 1).trim(threading.Event()) == 1
    assert left(harness, old) == []


def test_whatever_goes_wrong_the_next_minute_goes_on(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stop = threading.Event()
    fails = iter([True])

    class FailsOnce(OwnHeads):
        def created(self, partition: str, before_ms: int | None) -> Iterator[Position]:
            if next(fails, False):
                raise KeyError(partition)
            stop.set()
            return super().created(partition, before_ms)

    delivered(harness)
    monkeypatch.setattr(retention, "INTERVAL_S", 0.01)
    thread = threading.Thread(target=keeper(harness, 1, FailsOnce(harness)).run, args=(stop,))
    thread.start()
    assert stop.wait(60)
    thread.join(60)
    assert reasons(caplog, "old emails cannot be deleted") == ["KeyError"]


@pytest.mark.parametrize("text", ["0", "-1", "many", "1000001", "1e3", "٣"])
def test_a_number_that_is_none_is_named(text: str) -> None:
    with pytest.raises(LocalError, match="KEEP_EMAILS must be a whole number from 1 to 1000000"):
        retention.limit({"KEEP_EMAILS": text})
    assert retention.limit({"KEEP_EMAILS": ""}) == 10_000
