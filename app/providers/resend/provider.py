"""Resend: JSON with an idempotency key. A webhook has one event and is signed by Svix's scheme.

`events` reads the events. The sources are resend.com/docs and Resend's own API description
(github.com/resend/resend-openapi) unless a line names another.
"""

import base64
import json
import re
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Self

import httpx

from app.domain.email import Attachment, Mailbox, Message
from app.domain.event import ProviderEvent, Webhook
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.providers.resend import events
from app.providers.resend.limits import LIMITS
from app.providers.sdk import answers, headers, payload, signatures
from app.providers.sdk.content_types import content_type
from app.providers.sdk.contract import Outside
from app.providers.sdk.limits import Limits
from app.providers.sdk.variables import Values, credential

# "Errors", by the `name` in the body. A status that is missing here has the meaning that `answers` gives it.
TEXTS: Final[answers.Texts] = {
    (400, "invalid_idempotency_key"): (Kind.REFUSED, Cause.UNKNOWN),  # our own mistake, not the email's
    # Another call holds the resource, so this one took nothing ("Errors", read 2026-11-25).
    (409, "resource_locked"): (Kind.THROTTLED, Cause.THROTTLE),
    # concurrent_idempotent_requests: the first call with this key is still under way. invalid_idempotent_request: the
    # key came with another body. This call sent nothing, but the first one may have. Every 409 is about the key.
    (409, ""): (Kind.UNCERTAIN, Cause.UNKNOWN),
    (429, "daily_quota_exceeded"): answers.OVER_QUOTA,
    (429, "monthly_quota_exceeded"): answers.OVER_QUOTA,
}

# What a 403 `validation_error` says if it is about this email ("Errors", read 2026-11-25): its From domain is not
# verified, or the account may send to its own address only until it has one. Other emails may still be sent, and this
# one, too, as soon as somebody verifies the domain. With other words it is about the account.
SENDER_ERROR: Final = (403, "validation_error")
ABOUT_SENDER: Final = re.compile(r"\bdomains?\b|\byour own email address\b", re.IGNORECASE)

# docs.svix.com, "Verifying Payloads Manually". A webhook that is sent again is signed anew, so it may come much later.
MAX_AGE_S: Final = 300


@dataclass(frozen=True, slots=True)
class Resend:
    """An account at Resend. `signing_secrets` (`whsec_…`) verify its webhooks; several may be valid at once."""

    account: str
    api_key: str = field(repr=False)
    signing_secrets: tuple[str, ...] = field(repr=False)
    base_url: str

    transport: ClassVar[str] = "http"
    limits: ClassVar[Limits] = LIMITS
    signing_domain: ClassVar[str] = ""

    @classmethod
    def open(cls, values: Values, outside: Outside) -> Self:  # noqa: ARG003 because it needs nothing from outside
        """The account of these variables."""
        return cls(values.account, values.text("API_KEY"), values.texts("WEBHOOK_SECRET"), values.url("BASE_URL"))

    def build(self, message: Message) -> httpx.Request:
        """POST /emails. Raises Unsendable for what the table of limits does not allow."""
        LIMITS.check(message)
        content, tags = message.content, payload.own_tags(message, LIMITS.fits_metadata)
        call = {
            "from": str(message.sender),
            "to": [_mailbox(one) for one in message.to],
            "cc": [_mailbox(one) for one in message.cc],
            "bcc": [_mailbox(one) for one in message.bcc],
            "reply_to": [_mailbox(one) for one in content.reply_to],
            "subject": headers.literal(content.subject),
            "text": content.text,
            "html": content.html,
            "headers": {name: headers.in_ascii(name, value) for name, value in content.headers},
            "attachments": [_attachment(file) for file in content.attachments],
            "tags": [{"name": name, "value": value} for name, value in sorted(tags.items())],
        }
        # Resend compares the body with that of the first call with this key, so nothing in it may depend on the time or
        # on the order in which the metadata is read from the store.
        body = {name: value for name, value in call.items() if value or name == "subject"}
        return httpx.Request(
            "POST",
            f"{self.base_url}/emails",
            headers={
                **self._headers(),
                "Content-Type": "application/json",
                "Idempotency-Key": f"{message.email_id}/{message.attempt}",
            },
            content=json.dumps(body, ensure_ascii=False).encode(),
        )

    def read(self, response: httpx.Response) -> Outcome:
        """The outcome of an answer. A 2xx with a JSON id is accepted; any other 2xx is uncertain."""
        answer = payload.object_in(response.content)
        message_id = payload.text(answer.get("id")).strip()
        if response.is_success and message_id:
            return answers.accepted(response, message_id)
        outcome = answers.judge(response, TEXTS, secrets=(self.api_key, *self.signing_secrets))
        is_sender_error = (response.status_code, answer.get("name")) == SENDER_ERROR
        is_about_sender = is_sender_error and ABOUT_SENDER.search(payload.text(answer.get("message"))) is not None
        return replace(outcome, is_about_sender=is_about_sender)

    def verify(self, webhook: Webhook, now_s: float) -> None:
        """Check the HMAC-SHA256 of id, time and raw body by the secrets ("Verify Webhooks Requests")."""
        if not self.signing_secrets:
            raise signatures.no_key(self.account, "WEBHOOK_SECRET")
        headers = {name: payload.text(value) for name, value in webhook.headers.items()}
        timestamp = headers.get("svix-timestamp", "")
        signatures.check_age(timestamp, now_s, MAX_AGE_S)
        signed = f"{headers.get('svix-id', '')}.{timestamp}.".encode() + webhook.body
        given = headers.get("svix-signature", "")
        signatures.prove(
            self.account,
            "WEBHOOK_SECRET",
            self.signing_secrets,
            lambda secret: signatures.signs_svix(secret, signed, given),
        )

    def parse(self, webhook: Webhook) -> list[ProviderEvent]:
        """One event, or none if it cannot be read. If it names several recipients, one of kind `unknown` for each."""
        return events.read(self.account, webhook)

    def credentials_call(self) -> httpx.Request:
        """GET /domains. A key that may only send is refused here."""
        return self.request("GET", "/domains")

    def request(self, method: str, path: str) -> httpx.Request:
        """An authenticated call without a body. Raises ConfigurationError if the key cannot be sent."""
        return httpx.Request(method, self.base_url + path, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        key = credential(self.account, "API_KEY", self.api_key)
        # Without a User-Agent, Resend answers 403. httpx adds one only to requests that its own client builds.
        return {"Authorization": f"Bearer {key}", "Accept": "application/json", "User-Agent": "EmailsMinder"}


def _mailbox(mailbox: Mailbox) -> str:
    """A mailbox of somebody who gets the email, or its answers. A name that looks like an encoded word becomes one.

    In `from`, Resend refused encoded words (django-anymail 10.2, 2023-10-25; nothing newer says otherwise).
    """
    if "=?" not in mailbox.name:
        return str(mailbox)
    return f"{headers.literal(mailbox.name)} <{mailbox.address}>"


def _attachment(file: Attachment) -> dict[str, str]:
    attachment = {
        "content": base64.b64encode(file.content).decode(),
        "filename": file.filename,
        "content_type": content_type(file, LIMITS.content_types.value),
        "content_id": file.content_id,
    }
    return {name: value for name, value in attachment.items() if value or name in ("content", "filename")}


PROVIDER: Final = Resend
