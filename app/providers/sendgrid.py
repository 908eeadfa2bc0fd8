"""SendGrid: JSON over the v3 API. A webhook is an array of events, signed with ECDSA."""

import base64
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.header import Header
from typing import Any, ClassVar, Final

import httpx

from app.domain.email import Attachment, Content, Mailbox, Message
from app.domain.event import ProviderEvent, Webhook
from app.domain.kinds import Cause, EventKind, Kind
from app.domain.outcome import Outcome, shorten
from app.errors import ServiceUnavailable, Unauthenticated
from app.providers import answers, payload, signatures
from app.providers.bounces import is_dead, is_policy
from app.providers.contract import Limits
from app.providers.refusal import Unsendable, distinct

EventMeaning = tuple[EventKind, Cause | None]

# docs.sendgrid.com, "Mail Send limitations": headers that SendGrid writes itself, or from the fields of the call.
RESERVED_HEADERS: Final = frozenset(
    {"to", "from", "cc", "bcc", "subject", "reply-to", "content-type", "content-transfer-encoding"}
    | {"received", "dkim-signature", "x-sg-id", "x-sg-eid"}
)
# From the same page. Categories are for statistics, so an email is sent without those that do not fit.
CATEGORIES, CATEGORY_LENGTH = 10, 255
# "Event Webhook Reference": SendGrid merges custom_args into the event object. A client's metadata of these names,
# which `parse` reads, would be taken for a part of the event, so METADATA_PREFIX is put before its name.
EVENT_FIELDS: Final = frozenset(
    {"email", "timestamp", "event", "type", "status", "reason", "response", "bounce_classification"}
    | {"sg_event_id", "sg_message_id"}
)
METADATA_PREFIX: Final = "metadata_"

# From the same site, "Errors". A status that is missing here has the meaning that `answers` gives it.
TEXTS: Final[answers.Texts] = {
    (401, "maximum credits exceeded"): (Kind.THROTTLED, Cause.THROTTLE),  # a full quota and not a bad key
    # Only this email's From is not allowed. Other emails may still be sent, so the account is not at fault.
    (403, "verified sender identity"): (Kind.REFUSED, Cause.ACCOUNT),
}

# "Event Webhook Reference". `bounce` and `dropped` have tables of their own below.
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


@dataclass(frozen=True, slots=True)
class SendGrid:
    """An account at SendGrid. `public_keys` (base64 DER) verify its webhooks; several may be valid at once."""

    api_key: str = field(repr=False)
    public_keys: tuple[str, ...]
    base_url: str

    name: ClassVar[str] = "sendgrid"
    # "Mail Send limitations": 1,000 recipients, 30 MB.
    limits: ClassVar[Limits] = Limits(recipients=1000, size_bytes=30_000_000)

    def build(self, message: Message) -> httpx.Request:
        """POST /v3/mail/send. Raises Unsendable for a header that SendGrid writes itself or takes only once."""
        if not message.to:
            raise Unsendable("SendGrid needs a recipient in `to`")
        content = message.content
        recipients = {"to": message.to, "cc": message.cc, "bcc": message.bcc}
        personalization = {
            role: [_mailbox(one) for one in mailboxes] for role, mailboxes in recipients.items() if mailboxes
        }
        call = {
            "personalizations": [personalization | {"custom_args": _custom_args(message)}],
            "from": _mailbox(message.sender),
            "subject": content.subject,
            "content": _bodies(content),
            **_reply_to(content.reply_to),
            "headers": {name: _ascii(value) for name, value in distinct(content.headers, RESERVED_HEADERS).items()},
            "attachments": [_attachment(file) for file in content.attachments],
            "categories": [tag for tag in dict.fromkeys(content.tags) if len(tag) <= CATEGORY_LENGTH][:CATEGORIES],
        }
        return httpx.Request(
            "POST",
            f"{self.base_url}/v3/mail/send",
            headers=self._headers(),
            json={name: value for name, value in call.items() if value or name == "subject"},
        )

    def read(self, response: httpx.Response) -> Outcome:
        """The outcome of an answer. A 2xx with X-Message-Id is accepted; without it, the outcome is uncertain."""
        message_id = response.headers.get("x-message-id", "").strip()
        if response.is_success and message_id:
            return answers.accepted(response, message_id)
        return answers.judge(response, TEXTS, secret=self.api_key)

    def verify(self, webhook: Webhook, now_s: float) -> None:
        """Check the ECDSA-SHA256 of timestamp and raw body by the keys ("Event Webhook Security Features")."""
        if not self.public_keys:
            raise ServiceUnavailable("SENDGRID_WEBHOOK_PUBLIC_KEY is not set: webhooks cannot be verified")
        signature = webhook.headers.get("x-twilio-email-event-webhook-signature", "")
        timestamp = webhook.headers.get("x-twilio-email-event-webhook-timestamp", "")
        signatures.check_age(timestamp, now_s)
        signed = timestamp.encode() + webhook.body
        try:
            proved = any(signatures.signs_ecdsa(key, signed, signature) for key in self.public_keys)
        except ValueError:
            raise ServiceUnavailable("SENDGRID_WEBHOOK_PUBLIC_KEY holds a text that is not a public key") from None
        if not proved:
            raise Unauthenticated("the signature does not fit")

    def parse(self, webhook: Webhook) -> list[ProviderEvent]:
        """The events of a webhook, in the order in which SendGrid wrote them."""
        try:
            entries = payload.decode(webhook.body)
        except ValueError:
            entries = None
        if not isinstance(entries, list):
            _log.warning("webhook is not an array of events", extra={"provider": self.name})
            return []
        return [event for entry in entries if (event := self._event(payload.fields(entry)))]

    def credentials_request(self) -> httpx.Request:
        """GET /v3/scopes, which any key may call about itself."""
        return httpx.Request("GET", f"{self.base_url}/v3/scopes", headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}", "Accept": "application/json"}  # no Accept: 406

    def _event(self, entry: Mapping[str, object]) -> ProviderEvent | None:
        recipient, at_ms = payload.text(entry.get("email")), payload.at_ms(entry.get("timestamp"))
        event_id = payload.text(entry.get("sg_event_id"))
        if not recipient or at_ms is None:
            _log.warning("event left out", extra={"provider": self.name, "event_id": event_id})
            return None
        kind, cause = _meaning(entry)
        email_id, attempt = payload.ours(entry)
        return ProviderEvent(
            provider=self.name,
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


def _mailbox(mailbox: Mailbox) -> dict[str, str]:
    return {"email": mailbox.address} | ({"name": mailbox.name} if mailbox.name else {})


def _custom_args(message: Message) -> dict[str, str]:
    """The client's metadata and our own ids, which no metadata can replace."""
    metadata = {
        METADATA_PREFIX + name if name.lower() in EVENT_FIELDS else name: value
        for name, value in message.content.metadata.items()
    }
    return metadata | {payload.EMAIL_ID: message.email_id, payload.ATTEMPT: str(message.attempt)}


def _bodies(content: Content) -> list[dict[str, str]]:
    """The bodies, text before HTML and neither of them empty: SendGrid answers 400 otherwise."""
    bodies = {"text/plain": content.text, "text/html": content.html}
    return [{"type": kind, "value": value} for kind, value in bodies.items() if value]


def _reply_to(mailboxes: tuple[Mailbox, ...]) -> dict[str, Any]:
    """The field for one Reply-To, or another field for several. SendGrid answers 400 to both together."""
    match mailboxes:
        case ():
            return {}
        case (only,):
            return {"reply_to": _mailbox(only)}
        case _:
            return {"reply_to_list": [_mailbox(one) for one in mailboxes]}


def _ascii(value: str) -> str:
    """A header's value in ASCII. SendGrid leaves it to the caller to encode it (RFC 2047)."""
    return value if value.isascii() else Header(value, "utf-8").encode(linesep="")


def _attachment(file: Attachment) -> dict[str, str]:
    attachment = {
        "content": base64.b64encode(file.content).decode(),
        "filename": file.filename,
        "type": file.content_type,
        "disposition": "inline" if file.content_id else "attachment",
        "content_id": file.content_id,
    }
    return {name: value for name, value in attachment.items() if value or name in ("content", "filename")}
