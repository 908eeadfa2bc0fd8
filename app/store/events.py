"""Stores the providers' events for the story, one item per event. An event that comes again has the same key."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.changes import stored_over
from app.domain.event import ProviderEvent
from app.domain.head import EmailStatus, Head
from app.domain.kinds import Cause, Kind
from app.domain.written import EventStored
from app.store.batches import put_all
from app.store.codec import word
from app.store.item_values import as_written, by_model, read_each, read_item, time_ms
from app.store.raw_items import Raw
from app.store.ttl import as_ttl

FIRST, LAST = "event#", "event$"  # the bounds of the range keys of events


class EventItem(Model):
    """One event. Its key holds the provider's time and never ours, so that a redelivered event has the same key."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    email_id = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    ttl = TTLAttribute()
    provider = UnicodeAttribute()
    kind = UnicodeAttribute()
    attempt = NumberAttribute()
    recipient = UnicodeAttribute(null=True)
    at = NumberAttribute()
    event_id = UnicodeAttribute(null=True)
    message_id = UnicodeAttribute(null=True)
    cause = UnicodeAttribute(null=True)
    detail = UnicodeAttribute(null=True)
    scope = UnicodeAttribute(null=True)
    # When it was stored, and what its email's head was then.
    stored_at = NumberAttribute()
    version = NumberAttribute()
    status = UnicodeAttribute()
    email_status = UnicodeAttribute()


class Events:
    """Stores events. To store one again changes nothing of what it says."""

    def put(self, events: Iterable[ProviderEvent], heads: Mapping[str, Head], now_ms: int) -> None:
        """Store events at that time. `heads` are those of their emails, by id, as they are stored.

        An event is kept as long as its email, and is not stored earlier than the head was. Raises ServiceUnavailable
        if not all were stored.
        """
        distinct = {(event.email_id, _part(event)): event for event in events}
        put_all([_to_item(part, event, heads[email_id], now_ms) for (email_id, part), event in distinct.items()])

    def keep(self, email_id: str, ttl_s: int) -> None:
        """Keep all events of an email until `ttl_s`, in epoch seconds. Raises ServiceUnavailable if not all are."""
        items = list(read_each(_query(email_id), by_model(EventItem, lambda item: item), "event", _key))
        for item in items:
            item.ttl = as_ttl(ttl_s)
        put_all(items)

    def stored(self, email_id: str) -> list[EventStored]:
        """As `of`, with when each was stored, and over what head."""
        return list(read_each(_query(email_id), by_model(EventItem, _to_stored), "event", _key))

    def of(self, email_id: str) -> list[ProviderEvent]:
        """All events of an email in the order of the providers' times, without those that cannot be read."""
        return read_events(_query(email_id))


def _query(email_id: str) -> Iterator[Raw]:
    return as_written(EventItem.query(email_id, EventItem.part.startswith(FIRST), consistent_read=True))


def read_events(raws: Iterable[Raw]) -> list[ProviderEvent]:
    """The events in these items, without those that cannot be read."""
    return list(read_each(raws, by_model(EventItem, _to_event), "event", _key))


def read_stored(raw: Raw) -> EventStored:
    """The event in this item, and when it was stored. Raises Unreadable, and logs the key, if it cannot be read."""
    return read_item(raw, by_model(EventItem, _to_stored), "event", _key(raw))


def _to_stored(item: EventItem) -> EventStored:
    email_status = EmailStatus(item.email_status)
    return EventStored(_to_event(item), int(item.version), time_ms(item.stored_at), item.status, email_status)


def _key(raw: Raw) -> str:
    return f"{raw['email_id']['S']} {raw['part']['S']}"


def _part(event: ProviderEvent) -> str:
    return f"event#{event.at_ms:013d}#{event.key}"


def _to_item(part: str, event: ProviderEvent, head: Head, now_ms: int) -> EventItem:
    stored = stored_over(event, head, now_ms)
    return EventItem(
        event.email_id,
        part,
        ttl=as_ttl(head.ttl_s),
        provider=event.provider,
        kind=event.kind.value,
        attempt=event.attempt,
        recipient=event.recipient or None,
        at=event.at_ms,
        event_id=event.event_id or None,
        message_id=event.message_id or None,
        cause=event.cause and event.cause.value,
        detail=event.detail or None,
        scope=event.scope or None,
        stored_at=stored.at_ms,
        version=stored.version,
        status=stored.status,
        email_status=stored.email_status.value,
    )


def _to_event(item: EventItem) -> ProviderEvent:
    kind: Any = word(Kind, item.kind, Kind.UNKNOWN)
    return ProviderEvent(
        provider=item.provider,
        kind=kind,
        email_id=item.email_id,
        attempt=int(item.attempt),
        recipient=item.recipient or "",
        at_ms=time_ms(item.at),
        event_id=item.event_id or "",
        message_id=item.message_id or "",
        cause=word(Cause, item.cause, None),
        detail=item.detail or "",
        scope=item.scope or "",
    )
