"""Made Up: JSON over HTTP. A webhook has several events and is signed with HMAC.

Nothing here can be looked up, because Made Up does not exist. For a real provider every fact has its source and date.
"""

import base64
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Self

import httpx

from app.domain.email import Attachment, Mailbox, Message
from app.domain.event import ProviderEvent, Webhook
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome, shorten
from app.providers.sdk import answers, payload, signatures
from app.providers.sdk.contract import Outside
from app.providers.sdk.limits import Limits
from app.providers.sdk.variables import Values
from tests.providers.made_up.provider import events
from tests.providers.made_up.provider.limits import LIMITS

# What its answers say. A status that is missing here has the meaning that `answers` gives it.
TEXTS: Final[answers.Texts] = {
    (403, "sender is not verified"): (Kind.REFUSED, Cause.ACCOUNT),  # other emails may still be sent
    (409, "quota"): (Kind.THROTTLED, Cause.THROTTLE),
}

# Why it does not take an email for a recipient. Any other reason says nothing of the recipient, so that the next
# provider may try.
REFUSALS: Final[dict[str, answers.AnswerMeaning]] = {
    "unknown mailbox": (Kind.UNDELIVERABLE, Cause.RECIPIENT),
    "suppressed": (Kind.UNDELIVERABLE, Cause.RECIPIENT),
}


@dataclass(frozen=True, slots=True)
class MadeUp:
    """An account at Made Up. `webhook_keys` verify its webhooks; several may be valid at once."""

    account: str
    api_key: str = field(repr=False)
    webhook_keys: tuple[str, ...] = field(repr=False)
    base_url: str

    transport: ClassVar[str] = "http"
    limits: ClassVar[Limits] = LIMITS
    signing_domain: ClassVar[str] = ""

    @classmethod
    def open(cls, values: Values, outside: Outside) -> Self:  # noqa: ARG003 because it needs nothing from outside
        """The account of these variables."""
        return cls(values.account, values.text("API_KEY"), values.texts("WEBHOOK_KEY"), values.url("BASE_URL"))

    def build(self, message: Message) -> httpx.Request:
        """POST /messages. Raises Unsendable for what the table of limits does not allow."""
        LIMITS.check(message)
        content = message.content
        ours = {payload.EMAIL_ID: message.email_id, payload.ATTEMPT: str(message.attempt)}
        call = {
            "from": _mailbox(message.sender),
            "to": [_mailbox(one) for one in message.to],
            "cc": [_mailbox(one) for one in message.cc],
            "bcc": [_mailbox(one) for one in message.bcc],
            "reply_to": [_mailbox(one) for one in content.reply_to],
            "subject": content.subject,
            "text": content.text,
            "html": content.html,
            "headers": dict(content.headers),
            "files": [_file(file) for file in content.attachments],
            "tags": LIMITS.fitting_tags(content.tags),
            "track": {"opens": message.tracking.opens, "clicks": message.tracking.clicks},
            "data": {**content.metadata, **ours},  # ours come last, so that no metadata can replace them
        }
        return httpx.Request("POST", f"{self.base_url}/messages", headers=self._headers(), json=call)

    def read(self, answer: httpx.Response, /) -> Outcome:
        """The outcome of an answer. A 2xx with an id is accepted; any other 2xx is uncertain.

        `refused` names the recipients for whom Made Up does not take the email, each with the reason.
        """
        body = payload.object_in(answer.content)
        message_id = payload.text(body.get("id"))
        if answer.is_success and message_id:
            outcome = answers.accepted(answer, message_id)
        else:
            outcome = answers.judge(answer, TEXTS, secrets=(self.api_key, *self.webhook_keys))
        refused = payload.fields(body.get("refused"))
        return replace(outcome, differing={Mailbox(one).key: _refusal(reason) for one, reason in refused.items()})

    def verify(self, webhook: Webhook, now_s: float) -> None:
        """Check the HMAC-SHA256 of time and raw body by the keys."""
        if not self.webhook_keys:
            raise signatures.no_key(self.account, "WEBHOOK_KEY")
        timestamp = webhook.headers.get("made-up-time", "")
        signatures.check_age(timestamp, now_s)
        signed = f"{timestamp}.".encode() + webhook.body
        given = [webhook.headers.get("made-up-signature", "")]
        signatures.prove(
            self.account, "WEBHOOK_KEY", self.webhook_keys, lambda key: signatures.signs_hmac(key, signed, given)
        )

    def parse(self, webhook: Webhook) -> list[ProviderEvent]:
        """The events of a webhook, in the order in which Made Up wrote them."""
        return events.read(self.account, webhook)

    def credentials_call(self) -> httpx.Request:
        """GET /account, which any key may call."""
        return self.request("GET", "/account")

    def request(self, method: str, path: str) -> httpx.Request:
        """An authenticated call without a body."""
        return httpx.Request(method, self.base_url + path, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"}


def _mailbox(mailbox: Mailbox) -> dict[str, str]:
    return {"address": mailbox.address, "name": mailbox.name}


def _refusal(found: object) -> Outcome:
    """The outcome for a recipient for whom Made Up does not take the email."""
    reason = payload.text(found)
    kind, cause = REFUSALS.get(reason, (Kind.REFUSED, Cause.UNKNOWN))
    return Outcome(kind, cause, reply=shorten(reason), suppressed=reason == "suppressed")


def _file(file: Attachment) -> dict[str, str]:
    return {
        "name": file.filename,
        "type": file.content_type,
        "data": base64.b64encode(file.content).decode(),
        "content_id": file.content_id,
    }


PROVIDER: Final = MadeUp
