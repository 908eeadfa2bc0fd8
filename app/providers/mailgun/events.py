"""Reads Mailgun's webhooks. A webhook has one event about one recipient.

The source is documentation.mailgun.com, "Events", unless a line names another.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from app.domain.event import ProviderEvent, Webhook
from app.domain.kinds import Cause, Kind
from app.domain.outcome import shorten
from app.providers.mailgun.labels import label
from app.providers.sdk import drops, payload, unattributed
from app.providers.sdk.addresses import address
from app.providers.sdk.bounces import EventMeaning, Report, meaning

# `failed` is read by `_failure`, and `rejected` by its words.
EVENTS: Final[dict[str, EventMeaning]] = {
    "accepted": (Kind.ACCEPTED, None),
    "delivered": (Kind.DELIVERED, None),
    "opened": (Kind.OPENED, None),
    "clicked": (Kind.CLICKED, None),
    "complained": (Kind.COMPLAINED, Cause.RECIPIENT),
    "unsubscribed": (Kind.UNSUBSCRIBED, None),
}


def read(account: str, webhook: Webhook) -> list[ProviderEvent]:
    """The one event of a webhook, or none if it cannot be read."""
    entry = payload.fields(payload.object_in(webhook.body).get("event-data"))
    event_id = payload.text(entry.get("id"))
    recipient, at_ms = address(entry.get("recipient")), payload.at_ms(entry.get("timestamp"))
    if not recipient or at_ms is None:
        unattributed.left_out(account, event_id)
        return []
    kind, cause = _meaning(account, entry)
    email_id, attempt = payload.ours(payload.fields(entry.get("user-variables")))
    headers = payload.fields(payload.fields(entry.get("message")).get("headers"))
    event = ProviderEvent(
        provider=account,
        kind=kind,
        email_id=email_id,
        attempt=attempt,
        recipient=recipient,
        at_ms=at_ms,
        # Mailgun's ids are unique within a day only.
        event_id=f"{event_id}/{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}" if event_id else "",
        message_id=payload.text(headers.get("message-id")).strip("<>"),
        cause=cause,
        detail=shorten(_words(entry)),
    )
    return [event]


def _meaning(account: str, entry: Mapping[str, object]) -> EventMeaning:
    event = payload.text(entry.get("event"))
    if event == "rejected":
        return drops.meaning(_rejection(entry))
    return _failure(account, entry) if event == "failed" else EVENTS.get(event, (Kind.UNKNOWN, None))


def _rejection(entry: Mapping[str, object]) -> str:
    """Mailgun's own words about an email that it does not send."""
    reject = payload.fields(entry.get("reject"))
    return f"{payload.text(reject.get('reason'))}; {payload.text(reject.get('description'))}"


def _failure(account: str, entry: Mapping[str, object]) -> EventMeaning:
    """Mailgun's `reason` is a label and never the host's words."""
    status = payload.fields(entry.get("delivery-status"))
    code = payload.code(status.get("code"))
    report = Report(
        status=payload.code(status.get("enhanced-code")),
        code=code,
        text=payload.text(status.get("message")) or payload.text(status.get("description")),
        label=label(payload.text(entry.get("severity")), payload.text(entry.get("reason")), code),
    )
    return meaning(account, report)


def _words(entry: Mapping[str, object]) -> str:
    """The words of the recipient's host, or those of Mailgun if there are none."""
    report, reject = payload.fields(entry.get("delivery-status")), payload.fields(entry.get("reject"))
    texts = (report.get("message"), report.get("description"), reject.get("reason"), entry.get("reason"))
    return next((words for words in map(payload.text, texts) if words), "")
