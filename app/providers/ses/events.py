"""Reads a notification of SES: one event about some or all recipients of one email.

The source is the SES Developer Guide, "Contents of event data that Amazon SES publishes to Amazon SNS", unless a line
names another. Notifications of an identity have the same shape under `notificationType`, and carry no tags.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from app.domain.event import ProviderEvent
from app.domain.kinds import Cause, Kind
from app.domain.outcome import shorten
from app.providers.sdk import payload
from app.providers.sdk.bounces import EventMeaning, Report, labels, meaning
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
    "Subscription": Shape("subscription"),
}
# Events that hold for every recipient of the email. Of other events without a list, SES does not say who it was.
SHARED: Final = frozenset({"Send", "Reject", "Rendering Failure"})
EVENTS: Final[dict[str, EventMeaning]] = {
    "Send": (Kind.ACCEPTED, None),
    "Delivery": (Kind.DELIVERED, None),
    "DeliveryDelay": (Kind.DELAYED, None),
    "Reject": (Kind.DROPPED, Cause.POLICY),  # SES rejects an email only for a virus
    "Rendering Failure": (Kind.DROPPED, Cause.MESSAGE),
    "Open": (Kind.OPENED, None),
    "Click": (Kind.CLICKED, None),
}
_log = logging.getLogger(__name__)


def read(account: str, envelope: Envelope) -> Iterator[ProviderEvent]:
    """The events of a notification, one for each recipient it names."""
    try:
        report = payload.fields(payload.decode(envelope.message.encode()))
    except ValueError:  # such as "Successfully validated SNS topic …", the first message of every topic
        report = {}
    mail = payload.fields(report.get("mail"))
    if not mail:
        _log.info("notification without an email", extra={"provider": account, "event_id": envelope.message_id})
        return
    name = payload.text(report.get("eventType")) or payload.text(report.get("notificationType"))
    shape = SHAPES.get(name, Shape(""))
    section = payload.fields(report.get(shape.key))
    email_id, attempt = payload.ours(_tags(mail))
    for recipient, entry in _recipients(name, shape, section, mail):
        kind, cause = _meaning(name, section, entry)
        yield ProviderEvent(
            provider=account,
            kind=kind,
            email_id=email_id,
            attempt=attempt,
            recipient=recipient.lower(),
            at_ms=_at_ms(section, mail, envelope),
            event_id=envelope.message_id,
            message_id=payload.text(mail.get("messageId")),
            cause=cause,
            detail=_detail(shape, section, entry),
        )


def _recipients(
    name: str, shape: Shape, section: Mapping[str, object], mail: Mapping[str, object]
) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Whom the event is about, each with what it says about this recipient alone. "": SES does not say who it is."""
    if not shape.recipients:
        everybody = [address for address in map(payload.text, _list(mail.get("destination"))) if address]
        addresses = everybody if len(everybody) == 1 or name in SHARED else [""]
        yield from ((address, {}) for address in addresses)
        return
    for entry in _list(section.get(shape.recipients)):
        about = payload.fields(entry)
        address = payload.text(entry) or payload.text(about.get("emailAddress"))
        if address:
            yield address, about
        else:
            _log.warning("recipient left out", extra={"kind": name})


def _meaning(name: str, section: Mapping[str, object], entry: Mapping[str, object]) -> EventMeaning:
    if name == "Bounce":
        return _bounce(section, entry)
    if name == "Complaint":
        if payload.text(section.get("complaintSubType")) == "OnAccountSuppressionList":
            return Kind.SUPPRESSED, Cause.RECIPIENT
        # This is the opposite of a complaint: somebody has moved the email out of the spam folder.
        is_not_spam = payload.text(section.get("complaintFeedbackType")) == "not-spam"
        return (Kind.UNKNOWN, None) if is_not_spam else (Kind.COMPLAINED, Cause.RECIPIENT)
    if name == "Subscription":
        return (Kind.UNSUBSCRIBED, None) if _opted_out(section) else (Kind.UNKNOWN, None)
    return EVENTS.get(name, (Kind.UNKNOWN, None))


def _bounce(section: Mapping[str, object], entry: Mapping[str, object]) -> EventMeaning:
    report = Report(
        action=payload.text(entry.get("action")),
        status=payload.text(entry.get("status")),
        text=payload.text(entry.get("diagnosticCode")),
        label=labels.ses(payload.text(section.get("bounceType")), payload.text(section.get("bounceSubType"))),
    )
    return meaning(report)


def _opted_out(section: Mapping[str, object]) -> bool:
    preferences = payload.fields(section.get("newTopicPreferences"))
    topics = [payload.fields(topic) for topic in _list(preferences.get("topicSubscriptionStatus"))]
    return preferences.get("unsubscribeAll") is True or any(
        topic.get("subscriptionStatus") == "OptOut" for topic in topics
    )


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
