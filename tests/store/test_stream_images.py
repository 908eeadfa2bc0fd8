"""What a record of the stream tells: both heads, or an event with when it was stored."""

from typing import Any
from uuid import uuid4

import pytest

from app.domain.changes import stored_over
from app.domain.event import ProviderEvent
from app.domain.head import Head
from app.domain.kinds import Kind
from app.domain.written import HeadWritten
from app.errors import Unreadable
from app.store.events import EventItem, Events
from app.store.head_items import as_raw, as_stored
from app.store.stream_images import read_record
from tests.support.clock import Clock
from tests.support.samples import a_head
from tests.support.stream import record

NOW_MS = Clock().now_ms
AT_S = NOW_MS / 1000 + 7.9  # the stream says it a little later, and by the second


def written(head: Head | None) -> dict[str, Any] | None:
    return None if head is None else as_raw(head, NOW_MS)


def test_a_new_head_has_none_before_it() -> None:
    head = a_head(NOW_MS)
    assert read_record(record(1, AT_S, None, written(head))) == HeadWritten(None, as_stored(head, NOW_MS), NOW_MS)


def test_a_head_comes_with_the_one_before() -> None:
    old = as_stored(a_head(NOW_MS), NOW_MS)
    found = read_record(record(1, AT_S, written(a_head(NOW_MS, email_id=old.email_id)), written(old)))
    assert isinstance(found, HeadWritten)
    assert found.old is not None
    assert (found.old.version, found.new.version, found.at_ms) == (1, 2, NOW_MS + 1)


def head_of(event: ProviderEvent) -> Head:
    """The head of the email that the event is about."""
    return a_head(NOW_MS, email_id=event.email_id, version=3, ttl_s=4_000_000_000)


@pytest.fixture
def an_event() -> ProviderEvent:
    return ProviderEvent("ses", Kind.OPENED, f"eml_{uuid4().hex}", 1, "ann@example.net", NOW_MS - 5, "event-1")


@pytest.fixture
def raw_event(store: object, an_event: ProviderEvent) -> dict[str, Any]:
    Events().put([an_event], {an_event.email_id: head_of(an_event)}, NOW_MS)
    (item,) = EventItem.query(an_event.email_id, EventItem.part.startswith("event#"))
    return dict(item.serialize())


def test_an_event_comes_with_when_it_was_stored_over_which_version(
    raw_event: dict[str, Any], an_event: ProviderEvent
) -> None:
    assert read_record(record(1, AT_S, None, raw_event)) == stored_over(an_event, head_of(an_event), NOW_MS)
    assert read_record(record(1, AT_S, raw_event, raw_event)) is None


def test_what_is_deleted_and_what_is_something_else_is_nothing(raw_event: dict[str, Any]) -> None:
    raw = as_raw(a_head(NOW_MS), NOW_MS)
    assert read_record(record(1, AT_S, raw, None)) is None
    assert read_record(record(1, AT_S, raw_event, None)) is None
    assert read_record(record(1, AT_S, None, {**raw, "part": {"S": "content#1"}})) is None


@pytest.mark.parametrize("image", ["NewImage", "OldImage"])
def test_either_image_must_be_legible(image: str) -> None:
    raw = as_raw(a_head(NOW_MS), NOW_MS)
    one = record(1, AT_S, raw, raw)
    one["dynamodb"][image]["recipients"] = {"S": "{"}
    with pytest.raises(Unreadable):
        read_record(one)


def test_an_event_that_is_not_legible_is_said_to_be_unreadable(raw_event: dict[str, Any]) -> None:
    raw_event["at"] = {"N": "1e30"}
    with pytest.raises(Unreadable):
        read_record(record(1, AT_S, None, raw_event))
