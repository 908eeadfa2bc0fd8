"""Reads SendGrid's webhooks: an array of events, each about one recipient.

The source is docs.sendgrid.com, "Event Webhook Reference".
"""

import logging
from collections.abc import Mapping
from typing import Final

from app.domain.event import ProviderEvent, Webhook
from app.domain.kinds import Cause, Kind
from app.domain.outcome import shorten
from app.providers.sdk import drops, payload, unattributed
from app.providers.sdk.addresses import address
from app.providers.sdk.bounces import EventMeaning, Report, meaning
from app.providers.sendgrid.labels import label

# `bounce` is read by `_bounce`, and `dropped` has a table of its own below.
EVENTS: Final[dict[str, EventMeaning]] = {
    "processed": (Kind.ACCEPTED, None),
    "deferred": (Kind.DELAYED, None),
    "delivered": (Kind.DELIVERED, None),
    "open": (Kind.OPENED, None),
    "click": (Kind.CLICKED, None),
    "spamreport": (Kind.COMPLAINED, Cause.RECIPIENT),
    "unsubscribe": (Kind.UNSUBSCRIBED, None),
    "group_unsubscribe": (Kind.UNSUBSCRIBED, None),
    "group_resubscribe": (Kind.RESUBSCRIBED, None),
}
# Events about one unsubscribe group of the account, which `asm_group_id` names. An `unsubscribe` has that field as well
# if its email was of a group, and is from everything all the same: "Opt Out of All Emails" (2026-11).
OF_A_GROUP: Final = frozenset({"group_unsubscribe", "group_resubscribe"})
# By `reason` of a drop.
DROPS: Final[dict[str, EventMeaning]] = {
    "bounced address": (Kind.SUPPRESSED, Cause.RECIPIENT),
    "unsubscribed address": (Kind.SUPPRESSED, Cause.RECIPIENT),
    "spam reporting address": (Kind.SUPPRESSED, Cause.RECIPIENT),
    # "Invalid Emails": malformed, or known not to exist at the recipient's host. That is true at any provider.
    "invalid": (Kind.HARD_BOUNCE, Cause.RECIPIENT),
    "spam content": (Kind.DROPPED, Cause.POLICY),
    "invalid smtpapi header": (Kind.DROPPED, Cause.MESSAGE),
}

_log = logging.getLogger(__name__)


def read(account: str, webhook: Webhook) -> list[ProviderEvent]:
    """The events of a webhook, in the order in which SendGrid wrote them. One event may stand without an array."""
    try:
        entries = payload.decode(webhook.body)
    except ValueError:
        entries = None
    if isinstance(entries, dict):
        entries = [entries]
    if not isinstance(entries, list):
        _log.warning("webhook is not an array of events", extra={"provider": account})
        return []
    return [event for entry in entries if (event := _event(account, payload.fields(entry)))]


def _event(account: str, entry: Mapping[str, object]) -> ProviderEvent | None:
    recipient, at_ms = address(entry.get("email")), payload.at_ms(entry.get("timestamp"))
    event_id = payload.text(entry.get("sg_event_id"))
    if not recipient or at_ms is None:
        unattributed.left_out(account, event_id)
        return None
    kind, cause = _meaning(account, entry)
    email_id, attempt = payload.ours(entry)
    return ProviderEvent(
        provider=account,
        kind=kind,
        email_id=email_id,
        attempt=attempt,
        recipient=recipient,
        at_ms=at_ms,
        event_id=event_id,
        message_id=_message_id(entry),
        cause=cause,
        detail=shorten(_words(entry)),
        scope=_scope(entry),
    )


def _scope(entry: Mapping[str, object]) -> str:
    is_of_a_group = payload.text(entry.get("event")) in OF_A_GROUP
    return f"group {payload.code(entry.get('asm_group_id')) or 'without an id'}" if is_of_a_group else ""


def _message_id(entry: Mapping[str, object]) -> str:
    """The id of the call, as its answer had it in X-Message-Id.

    `sg_message_id` is that id, then ".recvd-…" and the recipient's place in the call; its first part is that of
    `smtp-id`, `<id@host>`. A bounce that the host returned later comes without custom arguments and without
    `sg_message_id` ("Event Webhook Reference", 2026-04; github.com/sendgrid/docs, issue 5177, 2019-04), if not always.
    """
    call_id = payload.text(entry.get("sg_message_id")).split(".")[0]
    return call_id or payload.text(entry.get("smtp-id")).strip("<>").partition("@")[0]


def _meaning(account: str, entry: Mapping[str, object]) -> EventMeaning:
    event = payload.text(entry.get("event"))
    if event == "bounce":
        return _bounce(account, entry)
    if event == "dropped":
        reason = payload.text(entry.get("reason"))  # such as Recipient List over Package Quota
        return DROPS.get(reason.strip().lower()) or drops.meaning(reason)
    return EVENTS.get(event, (Kind.UNKNOWN, None))


def _bounce(account: str, entry: Mapping[str, object]) -> EventMeaning:
    report = Report(
        status=payload.code(entry.get("status")),
        text=_words(entry),
        label=label(payload.text(entry.get("type")), payload.text(entry.get("bounce_classification"))),
    )
    return meaning(account, report)


def _words(entry: Mapping[str, object]) -> str:
    return payload.text(entry.get("reason")) or payload.text(entry.get("response"))
