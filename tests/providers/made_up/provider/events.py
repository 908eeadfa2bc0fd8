"""Reads Made Up's webhooks: an array of events, each about one recipient."""

import logging
from collections.abc import Mapping
from typing import Final

from app.domain.event import ProviderEvent, Webhook
from app.domain.kinds import Cause, EventKind, Kind
from app.domain.outcome import shorten
from app.providers.sdk import payload
from app.providers.sdk.addresses import address

EventMeaning = tuple[EventKind, Cause | None]

EVENTS: Final[dict[str, EventMeaning]] = {
    "queued": (Kind.ACCEPTED, None),
    "delivered": (Kind.DELIVERED, None),
    "returned": (Kind.SOFT_BOUNCE, Cause.UNKNOWN),
    "unknown_mailbox": (Kind.HARD_BOUNCE, Cause.RECIPIENT),
    "filtered": (Kind.BLOCKED, Cause.POLICY),
    "complaint": (Kind.COMPLAINED, Cause.RECIPIENT),
    "opened": (Kind.OPENED, None),
}

_log = logging.getLogger(__name__)


def read(account: str, webhook: Webhook) -> list[ProviderEvent]:
    """The events of a webhook. What cannot be read is left out and logged."""
    try:
        entries = payload.decode(webhook.body)
    except ValueError:
        entries = None
    if not isinstance(entries, list):
        _log.warning("webhook is not an array of events", extra={"provider": account})
        return []
    return [event for entry in entries if (event := _event(account, payload.fields(entry)))]


def _event(account: str, entry: Mapping[str, object]) -> ProviderEvent | None:
    recipient, at_ms = address(entry.get("to")), payload.at_ms(entry.get("at"))
    event_id = payload.text(entry.get("id"))
    if not recipient or at_ms is None:
        _log.warning("event left out", extra={"provider": account, "event_id": event_id})
        return None
    kind, cause = EVENTS.get(payload.text(entry.get("type")), (Kind.UNKNOWN, None))
    email_id, attempt = payload.ours(payload.fields(entry.get("data")))
    return ProviderEvent(
        provider=account,
        kind=kind,
        email_id=email_id,
        attempt=attempt,
        recipient=recipient,
        at_ms=at_ms,
        event_id=event_id,
        message_id=payload.text(entry.get("message_id")),
        cause=cause,
        detail=shorten(payload.text(entry.get("reason"))),
    )
