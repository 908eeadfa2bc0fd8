"""Reads SendGrid's webhooks: an array of events, each about one recipient.

The source is docs.sendgrid.com, "Event Webhook Reference".
"""

import logging
from collections.abc import Mapping
from typing import Final

from app.domain.event import ProviderEvent, Webhook
from app.domain.kinds import Cause, EventKind, Kind
from app.domain.outcome import shorten
from app.providers.sdk import payload
from app.providers.sdk.bounces import is_dead, is_policy

EventMeaning = tuple[EventKind, Cause | None]

# `bounce` and `dropped` have tables of their own below.
EVENTS: Final[dict[str, EventMeaning]] = {
    "processed": (Kind.ACCEPTED, None),
    "deferred": (Kind.DELAYED, None),
    "delivered": (Kind.DELIVERED, None),
    "open": (Kind.OPENED, None),
    "click": (Kind.CLICKED, None),
    "spamreport": (Kind.COMPLAINED, Cause.RECIPIENT),
    "unsubscribe": (Kind.UNSUBSCRIBED, None),
    "group_unsubscribe": (Kind.UNSUBSCRIBED, None),
    "group_resubscribe": (Kind.UNKNOWN, None),
}
# By `type` of a bounce. `blocked`: the host refused this email, and SendGrid does not suppress the address.
BOUNCES: Final[dict[str, EventMeaning]] = {
    "bounce": (Kind.SOFT_BOUNCE, Cause.UNKNOWN),
    "blocked": (Kind.BLOCKED, Cause.POLICY),
    "expired": (Kind.SOFT_BOUNCE, Cause.UNKNOWN),
}
# By `bounce_classification`, SendGrid's reading of the host's words, which counts more than `type`.
CLASSIFICATIONS: Final[dict[str, EventMeaning]] = {
    "content": (Kind.BLOCKED, Cause.POLICY),
    "reputation": (Kind.BLOCKED, Cause.POLICY),
    "frequency or volume too high": (Kind.BLOCKED, Cause.POLICY),
    "mailbox unavailable": (Kind.SOFT_BOUNCE, Cause.UNKNOWN),  # it may be full or disabled
    "technical failure": (Kind.SOFT_BOUNCE, Cause.UNKNOWN),
}
# By `reason` of a drop.
DROPS: Final[dict[str, EventMeaning]] = {
    "bounced address": (Kind.SUPPRESSED, Cause.RECIPIENT),
    "unsubscribed address": (Kind.SUPPRESSED, Cause.RECIPIENT),
    "spam reporting address": (Kind.SUPPRESSED, Cause.RECIPIENT),
    # "Invalid Emails": malformed, or known not to exist at the recipient's host. That is true at any provider.
    "invalid": (Kind.HARD_BOUNCE, Cause.RECIPIENT),
    "spam content": (Kind.DROPPED, Cause.POLICY),
    "recipient list over package quota": (Kind.DROPPED, Cause.THROTTLE),
    "invalid smtpapi header": (Kind.DROPPED, Cause.MESSAGE),
}

_log = logging.getLogger(__name__)


def read(account: str, webhook: Webhook) -> list[ProviderEvent]:
    """The events of a webhook, in the order in which SendGrid wrote them."""
    try:
        entries = payload.decode(webhook.body)
    except ValueError:
        entries = None
    if not isinstance(entries, list):
        _log.warning("webhook is not an array of events", extra={"provider": account})
        return []
    return [event for entry in entries if (event := _event(account, payload.fields(entry)))]


def _event(account: str, entry: Mapping[str, object]) -> ProviderEvent | None:
    recipient, at_ms = payload.text(entry.get("email")), payload.at_ms(entry.get("timestamp"))
    event_id = payload.text(entry.get("sg_event_id"))
    if not recipient or at_ms is None:
        _log.warning("event left out", extra={"provider": account, "event_id": event_id})
        return None
    kind, cause = _meaning(entry)
    email_id, attempt = payload.ours(entry)
    return ProviderEvent(
        provider=account,
        kind=kind,
        email_id=email_id,
        attempt=attempt,
        recipient=recipient.lower(),
        at_ms=at_ms,
        event_id=event_id,
        # `sg_message_id` is the id of the call, then ".filter…" and the recipient's place in it.
        message_id=payload.text(entry.get("sg_message_id")).split(".")[0],
        cause=cause,
        detail=shorten(payload.text(entry.get("reason")) or payload.text(entry.get("response"))),
    )


def _meaning(entry: Mapping[str, object]) -> EventMeaning:
    event, reason = payload.text(entry.get("event")), payload.text(entry.get("reason"))
    if event == "dropped":
        return DROPS.get(reason.strip().lower(), (Kind.DROPPED, Cause.UNKNOWN))
    if event != "bounce":
        return EVENTS.get(event, (Kind.UNKNOWN, None))
    status, kind = payload.code(entry.get("status")), payload.text(entry.get("type")).lower()
    classification = payload.text(entry.get("bounce_classification")).lower()
    # "Invalid Address" is SendGrid's "unknown user". If the type is `blocked`, the two contradict each other, and the
    # classification proves nothing.
    if is_dead(status, reason) or (kind != "blocked" and classification == "invalid address"):
        return Kind.HARD_BOUNCE, Cause.RECIPIENT
    if is_policy(status, reason):
        return Kind.BLOCKED, Cause.POLICY
    return CLASSIFICATIONS.get(classification) or BOUNCES.get(kind, (Kind.SOFT_BOUNCE, Cause.UNKNOWN))
