"""SendGrid: JSON over the v3 API. A webhook is an array of events, signed with ECDSA."""

import base64
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

import httpx

from app.domain.email import Attachment, Content, Mailbox, Message, Tracking
from app.domain.event import ProviderEvent, Webhook
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.providers.sdk import answers, headers, payload, signatures
from app.providers.sdk.content_types import content_type
from app.providers.sdk.contract import Outside
from app.providers.sdk.limits import Limits
from app.providers.sdk.variables import Values, credential
from app.providers.sendgrid import events
from app.providers.sendgrid.limits import LIMITS

# docs.sendgrid.com, "Event Webhook Reference" (2026-11-25): SendGrid merges custom_args into the event object. `parse`
# reads these names and would take a client's metadata for a part of the event, so METADATA_PREFIX is put before them.
EVENT_FIELDS: Final = frozenset(
    {"email", "timestamp", "event", "type", "status", "reason", "response", "bounce_classification"}
    | {"sg_event_id", "sg_message_id", "smtp-id"}
)
METADATA_PREFIX: Final = "metadata_"

# From the same site, "Errors". A status that is missing here has the meaning that `answers` gives it.
TEXTS: Final[answers.Texts] = {
    (401, "maximum credits exceeded"): answers.OVER_QUOTA,  # and not a bad key
    # Only this email's From is not allowed. Other emails may still be sent, so the account is not at fault.
    (403, "verified sender identity"): (Kind.REFUSED, Cause.ACCOUNT),
}

# From the same site, "Tracking" and "Mail" (2026-11-29): what else a setting of the account would add to the email or
# change in it: parameters in its links, a link to unsubscribe, a footer. What a call says counts more.
UNTOUCHED: Final = {"ganalytics": {"enable": False}, "subscription_tracking": {"enable": False}}
NO_FOOTER: Final = {"footer": {"enable": False}}


@dataclass(frozen=True, slots=True)
class SendGrid:
    """An account at SendGrid. `public_keys` (base64 DER) verify its webhooks; several may be valid at once."""

    account: str
    api_key: str = field(repr=False)
    public_keys: tuple[str, ...]
    base_url: str

    transport: ClassVar[str] = "http"
    limits: ClassVar[Limits] = LIMITS
    signing_domain: ClassVar[str] = ""

    @classmethod
    def open(cls, values: Values, outside: Outside) -> Self:  # noqa: ARG003 because it needs nothing from outside
        """The account of these variables."""
        return cls(values.account, values.text("API_KEY"), values.texts("WEBHOOK_PUBLIC_KEY"), values.url("BASE_URL"))

    def build(self, message: Message) -> httpx.Request:
        """POST /v3/mail/send. Raises Unsendable for what the table of limits does not allow."""
        LIMITS.check(message)
        content = message.content
        recipients = {"to": message.to, "cc": message.cc, "bcc": message.bcc}
        personalization = {
            role: [_mailbox(one) for one in mailboxes] for role, mailboxes in recipients.items() if mailboxes
        }
        call = {
            "personalizations": [personalization | {"custom_args": _custom_args(message)}],
            "from": _mailbox(message.sender),
            "subject": headers.literal(content.subject),
            "content": _bodies(content),
            **_reply_to(content.reply_to),
            "headers": {name: headers.in_ascii(name, value) for name, value in content.headers},
            "attachments": [_attachment(file) for file in content.attachments],
            "categories": LIMITS.fitting_tags(content.tags),
            "tracking_settings": _tracking(message.tracking),
            "mail_settings": NO_FOOTER,
        }
        return httpx.Request(
            "POST",
            f"{self.base_url}/v3/mail/send",
            headers=self._headers(),
            json={name: value for name, value in call.items() if value},
        )

    def read(self, response: httpx.Response) -> Outcome:
        """The outcome of an answer. A 2xx with X-Message-Id is accepted; without it, the outcome is uncertain."""
        message_id = response.headers.get("x-message-id", "").strip()
        if response.is_success and message_id:
            return answers.accepted(response, message_id)
        return answers.judge(response, TEXTS, secrets=(self.api_key,))

    def verify(self, webhook: Webhook, now_s: float) -> None:
        """Check the ECDSA-SHA256 of timestamp and raw body by the keys ("Event Webhook Security Features")."""
        if not self.public_keys:
            raise signatures.no_key(self.account, "WEBHOOK_PUBLIC_KEY")
        signature = webhook.headers.get("x-twilio-email-event-webhook-signature", "")
        timestamp = webhook.headers.get("x-twilio-email-event-webhook-timestamp", "")
        signatures.check_age(timestamp, now_s)
        signed = timestamp.encode() + webhook.body
        signatures.prove(
            self.account,
            "WEBHOOK_PUBLIC_KEY",
            self.public_keys,
            lambda key: signatures.signs_ecdsa(key, signed, signature),
        )

    def parse(self, webhook: Webhook) -> list[ProviderEvent]:
        """The events of a webhook, in the order in which SendGrid wrote them."""
        return events.read(self.account, webhook)

    def credentials_call(self) -> httpx.Request:
        """GET /v3/scopes, which any key may call about itself."""
        return self.request("GET", "/v3/scopes")

    def request(self, method: str, path: str) -> httpx.Request:
        """An authenticated call without a body. Raises ConfigurationError if the key cannot be sent."""
        return httpx.Request(method, self.base_url + path, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        key = credential(self.account, "API_KEY", self.api_key)
        return {"Authorization": f"Bearer {key}", "Accept": "application/json"}  # no Accept: 406


def _mailbox(mailbox: Mailbox) -> dict[str, str]:
    return {"email": mailbox.address} | ({"name": headers.literal(mailbox.name)} if mailbox.name else {})


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


def _tracking(tracking: Tracking) -> dict[str, Any]:
    """What to track, in the HTML only: no other provider tracks the links of a plain text."""
    return {
        "click_tracking": {"enable": tracking.clicks, "enable_text": False},
        "open_tracking": {"enable": tracking.opens},
        **UNTOUCHED,
    }


def _attachment(file: Attachment) -> dict[str, str]:
    attachment = {
        "content": base64.b64encode(file.content).decode(),
        "filename": file.filename,
        "type": content_type(file, LIMITS.content_types.value),
        "disposition": "inline" if file.content_id else "attachment",
        "content_id": file.content_id,
    }
    return {name: value for name, value in attachment.items() if value or name in ("content", "filename")}


PROVIDER: Final = SendGrid
