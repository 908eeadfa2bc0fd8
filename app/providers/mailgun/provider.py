"""Mailgun: a multipart form over the v3 API. A webhook has one event, which its signature does not cover."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Self
from urllib.parse import quote

import httpx

from app.domain.email import Attachment, Mailbox, Message, Tracking
from app.domain.event import Nonce, ProviderEvent, Webhook
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome
from app.errors import NotAcceptable, Unauthenticated
from app.providers.mailgun import events, inline, legacy
from app.providers.mailgun.limits import LIMITS
from app.providers.sdk import answers, headers, payload, signatures
from app.providers.sdk.content_types import content_type
from app.providers.sdk.contract import Outside
from app.providers.sdk.limits import Limits
from app.providers.sdk.variables import Values, credential

Part = tuple[str, tuple[str | None, str | bytes] | tuple[str | None, bytes, str]]

# documentation.mailgun.com, "Messages", and mailgun/mailgun-java issue 50 for 420. A status that is missing here
# has the meaning that `answers` gives it.
TEXTS: Final[answers.Texts] = {
    (200, "mailgun magnificent api"): (Kind.UNAVAILABLE, Cause.ACCOUNT),  # a wrong path: no email was taken
    (400, "recipient limit exceeded"): answers.OVER_QUOTA,
    (403, "recipient limit exceeded"): answers.OVER_QUOTA,
    (420, "recipient limit exceeded"): answers.OVER_QUOTA,
    (400, "is not allowed to send"): (Kind.UNAVAILABLE, Cause.ACCOUNT),  # not the message's fault
    (400, "activate your mailgun account"): (Kind.UNAVAILABLE, Cause.ACCOUNT),
}

_REPLACED: Final = str.maketrans(dict.fromkeys(LIMITS.filename_replaced.value, "_"))
_TRY_AGAIN: Final = re.compile(r"try again after ([A-Za-z]{3}, [0-9A-Za-z: ]{10,40})")
_TOKEN: Final = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True, slots=True)
class Mailgun:
    """A domain at Mailgun. `signing_keys` verify its webhooks; several may be valid at once.

    Recipient variables are never set, because they would make Mailgun replace `%recipient.x%` in the texts.
    """

    account: str
    api_key: str = field(repr=False)
    domain: str
    signing_keys: tuple[str, ...] = field(repr=False)
    base_url: str

    transport: ClassVar[str] = "http"
    limits: ClassVar[Limits] = LIMITS

    @property
    def signing_domain(self) -> str:
        """The domain of the account, which is that of its DKIM signatures."""
        return self.domain

    @classmethod
    def open(cls, values: Values, outside: Outside) -> Self:  # noqa: ARG003 because it needs nothing from outside
        """The account of these variables."""
        return cls(
            values.account,
            values.text("API_KEY"),
            values.domain("DOMAIN"),
            values.texts("WEBHOOK_SIGNING_KEY"),
            values.url("BASE_URL"),
        )

    def build(self, message: Message) -> httpx.Request:
        """POST /v3/{domain}/messages. Raises Unsendable for what the table of limits does not allow."""
        LIMITS.check(message)
        request = httpx.Request(
            "POST",
            f"{self.base_url}/v3/{quote(self.domain, safe='')}/messages",
            headers=self._headers(),
            files=list(_parts(message)),
        )
        request.read()  # into memory, because a form with files is a stream otherwise
        return request

    def read(self, response: httpx.Response) -> Outcome:
        """The outcome of an answer. A 2xx with a JSON id is accepted; any other 2xx is uncertain."""
        answer = payload.object_in(response.content)
        message_id = payload.text(answer.get("id")).strip().strip("<>")
        if response.is_success and message_id:
            return answers.accepted(response, message_id)
        secrets = (self.api_key, _basic(self.api_key), *self.signing_keys)
        return answers.judge(response, TEXTS, secrets=secrets, retry_after_s=_retry_after_s(response, answer))

    def verify(self, webhook: Webhook, now_s: float) -> Nonce:
        """Verify the HMAC-SHA256 over timestamp and token ("Webhooks"). It does not cover the event: hence the nonce.

        Events of a subaccount also carry a `parent-signature`, made with the parent account's key.
        """
        if not self.signing_keys:
            raise signatures.no_key(self.account, "WEBHOOK_SIGNING_KEY")
        try:
            signed = payload.fields(payload.fields(payload.decode(webhook.body)).get("signature"))
        except ValueError:
            signed = legacy.fields(webhook)
            if not signed:
                raise Unauthenticated("the body cannot be read") from None
        timestamp, token = payload.code(signed.get("timestamp")), payload.text(signed.get("token"))
        given = [payload.text(signed.get(name)) for name in ("signature", "parent-signature")]
        signatures.check_age(timestamp, now_s)
        if not _TOKEN.fullmatch(token):
            raise Unauthenticated("the signature's token cannot be read")
        signatures.prove(
            self.account,
            "WEBHOOK_SIGNING_KEY",
            self.signing_keys,
            lambda key: signatures.signs_hmac(key, (timestamp + token).encode(), given),
        )
        return Nonce(token, hashlib.sha256(webhook.body).hexdigest())

    def parse(self, webhook: Webhook) -> list[ProviderEvent]:
        """The one event of a webhook, or none if it cannot be read. Raises NotAcceptable for a legacy webhook."""
        if legacy.fields(webhook):
            raise NotAcceptable("legacy webhooks are not read; set up the current ones at Mailgun")
        return events.read(self.account, webhook)

    def credentials_call(self) -> httpx.Request:
        """GET /v4/domains/{domain}, which checks key, domain and region. A domain sending key is refused here."""
        return self.request("GET", f"/v4/domains/{quote(self.domain, safe='')}")

    def request(self, method: str, path: str) -> httpx.Request:
        """An authenticated call without a body. Raises ConfigurationError if the key cannot be sent."""
        return httpx.Request(method, self.base_url + path, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Basic {_basic(credential(self.account, 'API_KEY', self.api_key))}"}


def _basic(api_key: str) -> str:
    """The key as it is sent (RFC 7617)."""
    return base64.b64encode(f"api:{api_key}".encode()).decode()


def _retry_after_s(response: httpx.Response, answer: Mapping[str, object]) -> float | None:
    """The seconds that Mailgun asks us to wait, in its own forms: a field of the body, or a date in its message."""
    seconds = answer.get("retry-seconds")
    if isinstance(seconds, int) and 0 <= seconds < 10**9:
        return float(seconds)
    date = _TRY_AGAIN.search(payload.text(answer.get("message")))
    return answers.until_s(response, date.group(1)) if date else None


def _parts(message: Message) -> Iterator[Part]:
    """The parts of the form. Each recipient has a `to` field, so that a comma in a name cannot split it in two."""
    content = message.content
    names = inline.names(content.attachments)
    html = inline.rewritten(content.html, names)
    # Mailgun encodes what is not ASCII by itself, a structured header, too, whose words programs read.
    own = [(name, headers.in_ascii(name, value)) for name, value in content.headers]
    # Our ids come last, so that a client's metadata cannot override them, whatever its names are.
    ours = {payload.EMAIL_ID: message.email_id, payload.ATTEMPT: str(message.attempt)}
    fields = [
        ("from", _mailbox(message.sender)),
        *[("to", _mailbox(one)) for one in message.to],
        *[("cc", _mailbox(one)) for one in message.cc],
        *[("bcc", _mailbox(one)) for one in message.bcc],
        ("subject", headers.literal(content.subject)),
        *[(name, body) for name, body in (("text", content.text), ("html", html)) if body],
        *[(f"h:{name}", value) for name, value in (*_reply_to(content.reply_to), *own)],
        *[("o:tag", tag) for tag in LIMITS.fitting_tags(content.tags)],
        *_tracking(message.tracking),
        *[(f"v:{name}", value) for name, value in {**content.metadata, **ours}.items()],
    ]
    yield from ((name, (None, value)) for name, value in fields)
    yield from (_file(file, names.get(file.content_id)) for file in content.attachments)


def _tracking(tracking: Tracking) -> Iterator[tuple[str, str]]:
    """What to track: links in the HTML only (`htmlonly`), because no other provider tracks those of a plain text.

    `o:tracking` switches both; which option counts if they contradict each other is not documented, so it is off only
    if both are.
    """
    yield "o:tracking", "yes" if tracking.is_on else "no"
    yield "o:tracking-clicks", "htmlonly" if tracking.clicks else "no"
    yield "o:tracking-opens", "yes" if tracking.opens else "no"


def _file(file: Attachment, inline_name: str | None) -> Part:
    """The part of one attachment. `inline_name` is what an inline one is called, None for another."""
    kind = content_type(file, LIMITS.content_types.value) or "application/octet-stream"
    if inline_name:
        return "inline", (inline_name, file.content, kind)
    return "attachment", (file.filename.translate(_REPLACED), file.content, kind)


def _reply_to(mailboxes: tuple[Mailbox, ...]) -> list[tuple[str, str]]:
    return [("Reply-To", ", ".join(map(_mailbox, mailboxes)))] if mailboxes else []


def _mailbox(mailbox: Mailbox) -> str:
    """A mailbox as RFC 5322 writes it, with a quoted name. Mailgun reads UTF-8 and encodes it itself."""
    if not mailbox.name:
        return mailbox.address
    if (encoded := headers.literal(mailbox.name)) != mailbox.name:
        return f"{encoded} <{mailbox.address}>"  # in quotes it would be no encoded word (RFC 2047 §5)
    name = mailbox.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{mailbox.address}>'


PROVIDER: Final = Mailgun
