"""Stores the providers' events for the story, one item per event. An event that comes again has the same key."""

from collections.abc import Iterable, Mapping
from typing import Any

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.event import ProviderEvent
from app.domain.kinds import Cause, Kind
from app.store.batches import put_all
from app.store.codec import word
from app.store.item_values import as_written, by_model, read_each, time_ms
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


class Events:
    """Stores events. To store one again changes nothing."""

    def put(self, events: Iterable[ProviderEvent], ttls_s: Mapping[str, int]) -> None:
        """Store events. `ttls_s`: until when, in epoch seconds, by email id.

        Raises ServiceUnavailable if not all were stored.
        """
        distinct = {(event.email_id, _part(event)): event for event in events}
        put_all([_to_item(part, event, ttls_s[email_id]) for (email_id, part), event in distinct.items()])

    def of(self, email_id: str) -> list[ProviderEvent]:
        """All events of an email in the order of the providers' times, without those that cannot be read."""
        return read_events(
            as_written(EventItem.query(email_id, EventItem.part.startswith(FIRST), consistent_read=True))
        )


def read_events(raws: Iterable[Raw]) -> list[ProviderEvent]:
    """The events in these items, without those that cannot be read."""
    return list(read_each(raws, by_model(EventItem, _to_event), "event", _key))


def _key(raw: Raw) -> str:
    return f"{raw['email_id']['S']} {raw['part']['S']}"


def _part(event: ProviderEvent) -> str:
    return f"event#{event.at_ms:013d}#{event.key}"


def _to_item(part: str, event: ProviderEvent, ttl_s: int) -> EventItem:
    return EventItem(
        event.email_id,
        part,
        ttl=as_ttl(ttl_s),
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
