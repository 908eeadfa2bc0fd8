"""Reads Mailgun's webhooks. A webhook has one event about one recipient.

The source is documentation.mailgun.com, "Events", unless a line names another.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from app.domain.event import ProviderEvent, Webhook
from app.domain.kinds import Cause, EventKind, Kind
from app.domain.outcome import shorten
from app.providers.sdk import payload
from app.providers.sdk.bounces import is_dead, is_policy

EventMeaning = tuple[EventKind, Cause | None]

# `failed` has tables of its own below.
EVENTS: Final[dict[str, EventMeaning]] = {
    "accepted": (Kind.ACCEPTED, None),
    "delivered": (Kind.DELIVERED, None),
    "opened": (Kind.OPENED, None),
    "clicked": (Kind.CLICKED, None),
    "complained": (Kind.COMPLAINED, Cause.RECIPIENT),
    "unsubscribed": (Kind.UNSUBSCRIBED, None),
    "rejected": (Kind.DROPPED, Cause.UNKNOWN),
}
# `reason` of a permanent failure, then `delivery-status.code`. The first three are Mailgun's own suppression lists.
REASONS: Final[dict[str, EventMeaning]] = {
    "suppress-bounce": (Kind.SUPPRESSED, Cause.RECIPIENT),
    "suppress-complaint": (Kind.SUPPRESSED, Cause.RECIPIENT),
    "suppress-unsubscribe": (Kind.SUPPRESSED, Cause.RECIPIENT),
    "espblock": (Kind.BLOCKED, Cause.POLICY),
}
CODES: Final[dict[str, EventMeaning]] = {
    "605": (Kind.SUPPRESSED, Cause.RECIPIENT),  # bounced before
    "606": (Kind.SUPPRESSED, Cause.RECIPIENT),  # unsubscribed
    "607": (Kind.SUPPRESSED, Cause.RECIPIENT),  # complained
    "625": (Kind.DROPPED, Cause.POLICY),  # Mailgun holds the mailing back because of a poor list
}

_log = logging.getLogger(__name__)


def read(account: str, webhook: Webhook) -> list[ProviderEvent]:
    """The one event of a webhook, or none if it cannot be read."""
    try:
        entry = payload.fields(payload.fields(payload.decode(webhook.body)).get("event-data"))
    except ValueError:
        entry = {}
    event_id = payload.text(entry.get("id"))
    recipient, at_ms = payload.text(entry.get("recipient")), payload.at_ms(entry.get("timestamp"))
    if not recipient or at_ms is None:
        _log.warning("event left out", extra={"provider": account, "event_id": event_id})
        return []
    kind, cause = _meaning(entry)
    email_id, attempt = payload.ours(payload.fields(entry.get("user-variables")))
    headers = payload.fields(payload.fields(entry.get("message")).get("headers"))
    event = ProviderEvent(
        provider=account,
        kind=kind,
        email_id=email_id,
        attempt=attempt,
        recipient=recipient.lower(),
        at_ms=at_ms,
        # Mailgun's ids are unique within a day only.
        event_id=f"{event_id}/{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}" if event_id else "",
        message_id=payload.text(headers.get("message-id")).strip("<>"),
        cause=cause,
        detail=shorten(_words(entry)),
    )
    return [event]


def _meaning(entry: Mapping[str, object]) -> EventMeaning:
    event = payload.text(entry.get("event"))
    if event != "failed":
        return EVENTS.get(event, (Kind.UNKNOWN, None))
    if payload.text(entry.get("severity")) == "temporary":
        return Kind.DELAYED, None
    report = payload.fields(entry.get("delivery-status"))
    meaning = REASONS.get(payload.text(entry.get("reason"))) or CODES.get(payload.code(report.get("code")))
    if meaning:
        return meaning
    status, words = payload.text(report.get("enhanced-code")), _words(entry)
    if is_dead(status, words):
        return Kind.HARD_BOUNCE, Cause.RECIPIENT
    if is_policy(status, words):
        return Kind.BLOCKED, Cause.POLICY
    return Kind.SOFT_BOUNCE, Cause.UNKNOWN


def _words(entry: Mapping[str, object]) -> str:
    """The words of the recipient's host, or those of Mailgun if there are none."""
    report, reject = payload.fields(entry.get("delivery-status")), payload.fields(entry.get("reject"))
    texts = (report.get("message"), report.get("description"), reject.get("reason"), entry.get("reason"))
    return next((words for words in map(payload.text, texts) if words), "")
