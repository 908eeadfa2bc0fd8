"""Reads a notification of SES: one event about some or all recipients of one email.

The source is the SES Developer Guide, "Contents of event data that Amazon SES publishes to Amazon SNS", unless a line
names another. Notifications of an identity have the same shape under `notificationType`, and carry no tags.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from app.domain.event import ProviderEvent
from app.domain.kinds import Cause, Kind
from app.domain.outcome import shorten
from app.providers.sdk import drops, payload, unattributed
from app.providers.sdk.bounces import EventMeaning, Report, meaning
from app.providers.ses import recipients, subscriptions
from app.providers.ses.labels import label
from app.providers.ses.sns import Envelope


class Shape(NamedTuple):
    """Where the parts of an event are.

    `key` is the event's object. `recipients` is the field in it that lists whom the event is about ("": there is none,
    `mail.destination` counts). `words` are the fields in it that say why.
    """

    key: str
    recipients: str = ""
    words: tuple[str, ...] = ()


SHAPES: Final[dict[str, Shape]] = {
    "Send": Shape("send"),
    "Delivery": Shape("delivery", "recipients", ("smtpResponse",)),
    "DeliveryDelay": Shape("deliveryDelay", "delayedRecipients", ("delayType",)),
    "Bounce": Shape("bounce", "bouncedRecipients", ("bounceType", "bounceSubType")),
    "Complaint": Shape("complaint", "complainedRecipients", ("complaintSubType", "complaintFeedbackType")),
    "Reject": Shape("reject", "", ("reason",)),
    "Rendering Failure": Shape("failure", "", ("errorMessage",)),
    "Open": Shape("open"),
    "Click": Shape("click"),
    "Subscription": Shape("subscription", "", ("source",)),
}
# Events that hold for every recipient of the email. Of other events without a list, SES does not say who it was.
SHARED: Final = frozenset({"Send", "Reject", "Rendering Failure"})
# `complaintFeedbackType`s (RFC 5965 §7.3, RFC 6591 §3.1) that no recipient complains by: somebody has moved the email
# out of the spam folder; a host tells the domain's owner which of its emails did not authenticate, or had a virus.
NO_COMPLAINTS: Final = frozenset({"not-spam", "auth-failure", "virus"})
NOTHING: Final[EventMeaning] = (Kind.UNKNOWN, None)
# The mailbox to which the recipient's mail is forwarded is at fault. So is every other copy then, but the address that
# was written to is not dead itself.
FORWARDED: Final[EventMeaning] = (Kind.MAILBOX_CONDITION, Cause.MAILBOX)
EVENTS: Final[dict[str, EventMeaning]] = {
    "Send": (Kind.ACCEPTED, None),
    "Delivery": (Kind.DELIVERED, None),
    "DeliveryDelay": (Kind.DELAYED, None),
    # SES "accepted the email, but determined that it contained a virus" (SES API v2, EventDestination,
    # MatchingEventTypes, read 2026-11-29). There is no other reason for this event.
    "Reject": (Kind.VIRUS, Cause.MESSAGE),
    "Open": (Kind.OPENED, None),
    "Click": (Kind.CLICKED, None),
}
# What a drop is about, unless its words speak of our account.
DROPS: Final[dict[str, Cause]] = {"Rendering Failure": Cause.MESSAGE}
_log = logging.getLogger(__name__)


def read(account: str, envelope: Envelope) -> Iterator[ProviderEvent]:
    """The events of a notification: one for each recipient it names, and for each subscription that it changes.

    A complaint that lists several people is one of kind `unknown` for each of them: SES lists every recipient at a host
    that does not say who complained.
    """
    # The first message of every topic is a text: "Successfully validated SNS topic …".
    report = payload.object_in(envelope.message.encode())
    mail = payload.fields(report.get("mail"))
    if not mail:
        _log.info("notification without an email", extra={"provider": account, "event_id": envelope.message_id})
        return
    name = payload.text(report.get("eventType")) or payload.text(report.get("notificationType"))
    shape = SHAPES.get(name, Shape(""))
    section = payload.fields(report.get(shape.key))
    email_id, attempt = payload.ours(_tags(mail))
    people = _people(name, shape, section, mail)
    names_several = name == "Complaint" and recipients.are_several(section.get(shape.recipients))
    if names_several:
        unattributed.several_people(account, envelope.message_id)
    for recipient, entry, is_other in people:
        kind, cause = _meaning(account, name, section, entry) if recipient or not shape.recipients else NOTHING
        if is_other and kind in (Kind.HARD_BOUNCE, Kind.SUPPRESSED):
            kind, cause = FORWARDED
        if names_several and kind is Kind.COMPLAINED:
            kind, cause = NOTHING
        event = ProviderEvent(
            provider=account,
            kind=kind,
            email_id=email_id,
            attempt=attempt,
            recipient=recipient,
            at_ms=_at_ms(section, mail, envelope),
            event_id=envelope.message_id,
            message_id=payload.text(mail.get("messageId")),
            cause=cause,
            detail=_detail(shape, section, entry),
        )
        changes = subscriptions.changes(section) if name == "Subscription" else []
        yield from [replace(event, kind=kind, scope=scope) for kind, scope in changes] or [event]


def _people(
    name: str, shape: Shape, section: Mapping[str, object], mail: Mapping[str, object]
) -> list[recipients.Concerned]:
    to = recipients.destination(mail)
    if shape.recipients:
        return recipients.named_in(section.get(shape.recipients), to)
    return recipients.all_of(to, shared=name in SHARED)


def _meaning(account: str, name: str, section: Mapping[str, object], entry: Mapping[str, object]) -> EventMeaning:
    if name == "Bounce":
        return _bounce(account, section, entry)
    if name == "Complaint":
        if payload.text(section.get("complaintSubType")) == "OnAccountSuppressionList":
            return Kind.SUPPRESSED, Cause.RECIPIENT
        feedback = payload.text(section.get("complaintFeedbackType")).strip().lower().replace("_", "-")
        return NOTHING if feedback in NO_COMPLAINTS else (Kind.COMPLAINED, Cause.RECIPIENT)
    if name in DROPS:
        return drops.meaning(" ".join(map(payload.text, section.values())), DROPS[name])
    return EVENTS.get(name, NOTHING)


def _bounce(account: str, section: Mapping[str, object], entry: Mapping[str, object]) -> EventMeaning:
    report = Report(
        action=payload.text(entry.get("action")),
        status=payload.text(entry.get("status")),
        text=payload.text(entry.get("diagnosticCode")),
        label=label(payload.text(section.get("bounceType")), payload.text(section.get("bounceSubType"))),
    )
    return meaning(account, report)


def _at_ms(section: Mapping[str, object], mail: Mapping[str, object], envelope: Envelope) -> int:
    """When the event happened, or else when SES took the email, or else when SNS took the event."""
    times = (payload.iso_ms(payload.text(part.get("timestamp"))) for part in (section, mail))
    return next((at_ms for at_ms in times if at_ms is not None), envelope.at_ms)


def _detail(shape: Shape, section: Mapping[str, object], entry: Mapping[str, object]) -> str:
    words = [section.get(key) for key in shape.words] + [entry.get("status"), entry.get("diagnosticCode")]
    return shorten(" ".join(filter(None, map(payload.text, words))))


def _tags(mail: Mapping[str, object]) -> dict[str, object]:
    """The first value of each tag, of which SES makes a list."""
    return {name: found[0] for name, values in payload.fields(mail.get("tags")).items() if (found := _list(values))}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
