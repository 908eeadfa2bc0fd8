"""Reads Resend's webhooks. A webhook has one event; it names the email's recipients, but not which one it is about.

The sources are resend.com/docs, "Event Types", and Resend's own API description (github.com/resend/resend-openapi),
unless a line names another.
"""

from collections.abc import Mapping
from typing import Final

from app.domain.event import ProviderEvent, Webhook
from app.domain.kinds import Cause, Kind
from app.domain.outcome import shorten
from app.providers.resend.labels import label
from app.providers.sdk import drops, payload, unattributed
from app.providers.sdk.addresses import address
from app.providers.sdk.bounces import EventMeaning, Report, meaning

# `email.bounced` and `email.failed` are read by `_meaning` and `_bounce`.
EVENTS: Final[dict[str, EventMeaning]] = {
    "email.sent": (Kind.ACCEPTED, None),  # accepted by Resend, not by the recipient's host
    "email.scheduled": (Kind.ACCEPTED, None),
    "email.delivery_delayed": (Kind.DELAYED, None),
    "email.delivered": (Kind.DELIVERED, None),
    "email.suppressed": (Kind.SUPPRESSED, Cause.RECIPIENT),  # the reason is previous_bounce or previous_complaint
    "email.complained": (Kind.COMPLAINED, Cause.RECIPIENT),
    "email.opened": (Kind.OPENED, None),
    "email.clicked": (Kind.CLICKED, None),
}
# The field of an event that holds its reason.
REASONS: Final = {"email.bounced": "bounce", "email.suppressed": "suppressed", "email.failed": "failed"}


def read(account: str, webhook: Webhook) -> list[ProviderEvent]:
    """The event of a webhook, or none if it cannot be read.

    `data.to` is documented as the impacted recipients, but was seen to list all of them (django-anymail 15.1,
    2026-07-30, "Resend, Limitations and quirks"). So an event that names several becomes one of kind `unknown` for each
    of them.
    """
    entry = payload.object_in(webhook.body)
    event, data = payload.text(entry.get("type")), payload.fields(entry.get("data"))
    event_id = payload.text(webhook.headers.get("svix-id"))  # stays the same however often Resend sends the event
    recipients = _recipients(data.get("to"))
    at_ms = payload.iso_ms(payload.text(entry.get("created_at")))  # the event's time; data.created_at is the email's
    if not recipients or at_ms is None:
        unattributed.left_out(account, event_id)
        return []
    reason = payload.fields(data.get(REASONS.get(event, "")))
    kind, cause = _meaning(account, event, reason) if len(recipients) == 1 else (Kind.UNKNOWN, None)
    email_id, attempt = payload.ours(_tags(data.get("tags")))
    return [
        ProviderEvent(
            provider=account,
            kind=kind,
            email_id=email_id,
            attempt=attempt,
            recipient=recipient,
            at_ms=at_ms,
            event_id=event_id,
            message_id=payload.text(data.get("email_id")),
            cause=cause,
            detail=_detail(reason),
        )
        for recipient in recipients
    ]


def _meaning(account: str, event: str, reason: Mapping[str, object]) -> EventMeaning:
    if event == "email.bounced":
        return _bounce(account, reason)
    if event == "email.failed":  # its reason is, for example, reached_daily_quota
        return drops.meaning(_detail(reason))
    return EVENTS.get(event, (Kind.UNKNOWN, None))


def _bounce(account: str, bounce: Mapping[str, object]) -> EventMeaning:
    """The host's words decide; Resend's own sentence only where there are none."""
    report = Report(
        text=_host_words(bounce) or payload.text(bounce.get("message")),
        label=label(payload.text(bounce.get("type")), payload.text(bounce.get("subType"))),
    )
    return meaning(account, report)


def _host_words(bounce: Mapping[str, object]) -> str:
    """The host's words: a list by the API's description, a text by Resend's Python SDK."""
    return " ".join(filter(None, _texts(bounce.get("diagnosticCode"))))


def _words(reason: Mapping[str, object]) -> str:
    """The host's words, then Resend's own."""
    return " ".join(filter(None, [_host_words(reason), payload.text(reason.get("message"))]))


def _detail(reason: Mapping[str, object]) -> str:
    parts = [payload.text(reason.get(name)) for name in ("type", "subType", "reason")]
    return shorten(" ".join(filter(None, [*parts, _words(reason)])))


def _recipients(to: object) -> list[str]:
    """The different addresses of `data.to`, lower-case, without the names that may stand before them."""
    addresses = [address(mailbox) for mailbox in _texts(to)]
    return list(dict.fromkeys(filter(None, addresses)))


def _tags(value: object) -> Mapping[str, object]:
    """The tags, which come as an object, or as a list of names and values as they were sent."""
    if not isinstance(value, list):
        return payload.fields(value)
    tags = map(payload.fields, value)
    return {payload.text(tag.get("name")): tag.get("value") for tag in tags}


def _texts(value: object) -> list[str]:
    return [payload.text(one) for one in (value if isinstance(value, list) else [value])]
