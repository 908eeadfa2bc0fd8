"""Events are kept once, in the order of the providers' times."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.event import ProviderEvent
from app.domain.kinds import Cause, Kind
from app.store.events import EventItem, Events
from tests.support.samples import a_head
from tests.support.size import examples

pytestmark = pytest.mark.usefixtures("store")
TTL_S = 4_000_000_000
NOW_MS = 1_700_000_009_000


def an_event(**fields: object) -> ProviderEvent:
    event = ProviderEvent(
        "sendgrid", Kind.DELIVERED, f"eml_{uuid4().hex}", 1, "ann@example.net", 1_700_000_000_000, "ev-1"
    )
    return replace(event, **fields)  # type: ignore[arg-type] # because the fields are those of ProviderEvent


def keep(events: list[ProviderEvent]) -> None:
    Events().put(events, {one.email_id: a_head(0, email_id=one.email_id, ttl_s=TTL_S) for one in events}, NOW_MS)


def stored(event: ProviderEvent) -> EventItem:
    (item,) = EventItem.query(event.email_id, EventItem.part.startswith("event#"), consistent_read=True)
    return item


def test_what_was_put_comes_back_whole() -> None:
    event = an_event(kind=Kind.SOFT_BOUNCE, message_id="m-1", cause=Cause.POLICY, detail="550 5.7.1 nö")
    bare = an_event(email_id=event.email_id, recipient="", event_id="", kind=Kind.OPENED, at_ms=event.at_ms + 1)
    keep([bare, event])
    assert Events().of(event.email_id) == [event, bare]


def test_the_same_event_is_kept_once_however_often_it_comes() -> None:
    event = an_event()
    keep([event, event])
    keep([event])
    assert Events().of(event.email_id) == [event]


@pytest.mark.parametrize(
    "other",
    [
        {"event_id": "ev-2"},
        {"recipient": "bob@example.net"},
        {"provider": "mailgun"},
        {"at_ms": 1_700_000_000_001},
        {"event_id": "", "kind": Kind.DELAYED},
    ],
)
def test_another_event_is_another_item(other: dict[str, object]) -> None:
    event = an_event()
    keep([event, replace(event, **other)])  # type: ignore[arg-type] # because these are fields of ProviderEvent
    assert len(Events().of(event.email_id)) == 2


def test_events_come_in_the_order_of_the_providers_times_and_only_those_of_the_email() -> None:
    event, stranger = an_event(), an_event()
    late_first = [replace(event, at_ms=at_ms, event_id=str(at_ms)) for at_ms in (10**12 + 5, 5, 10**12)]
    keep([*late_first, stranger])
    assert [found.at_ms for found in Events().of(event.email_id)] == [5, 10**12, 10**12 + 5]


def test_more_events_than_one_batch_takes() -> None:
    event = an_event()
    keep([replace(event, event_id=str(n), at_ms=n) for n in range(60)])
    assert [found.event_id for found in Events().of(event.email_id)] == [str(n) for n in range(60)]


def test_no_events_are_no_write() -> None:
    keep([])
    assert Events().of(f"eml_{uuid4().hex}") == []


@pytest.mark.parametrize(("written_ms", "stored_ms"), [(NOW_MS - 1, NOW_MS), (NOW_MS + 5, NOW_MS + 5)])
def test_an_item_says_when_it_was_stored_which_is_not_before_its_head_and_that_heads_version(
    written_ms: int, stored_ms: int
) -> None:
    event = an_event()
    head = a_head(0, email_id=event.email_id, ttl_s=TTL_S, version=7, written_at_ms=written_ms)
    Events().put([event], {event.email_id: head}, NOW_MS)
    item = stored(event)
    assert (item.stored_at, item.version, item.ttl.timestamp()) == (stored_ms, 7, TTL_S)


def test_what_is_kept_for_longer_says_the_same_as_before() -> None:
    event = an_event()
    Events().put([event], {event.email_id: a_head(0, email_id=event.email_id, ttl_s=TTL_S, version=7)}, NOW_MS)
    before = stored(event).serialize()
    Events().keep(event.email_id, TTL_S + 5)
    assert stored(event).serialize() == {**before, "ttl": {"N": str(TTL_S + 5)}}


texts = st.text(max_size=20)
events = st.builds(
    ProviderEvent,
    provider=st.sampled_from(["sendgrid", "mailgun", "ses"]),
    kind=st.sampled_from([Kind.ACCEPTED, *list(Kind)[list(Kind).index(Kind.DELAYED) :]]),
    email_id=st.uuids().map(lambda uuid: f"eml_{uuid.hex}"),
    attempt=st.integers(1, 60),
    recipient=texts,
    at_ms=st.integers(0, 4_000_000_000_000),
    event_id=texts,
    message_id=texts,
    cause=st.none() | st.sampled_from(Cause),
    detail=texts,
)


@settings(deadline=None, max_examples=examples(40))
@given(events)
def test_any_event_comes_back(event: ProviderEvent) -> None:
    keep([event])
    assert event in Events().of(event.email_id)
