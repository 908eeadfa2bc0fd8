"""What a client may send: the shape of each field, checked on its own. `validation` checks fields together."""

import base64
import binascii
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from app.api import addresses, times
from app.api.addresses import CONTROL
from app.domain.email import Mailbox
from app.domain.suppression import Reason

RECIPIENT_LIMIT = 50
# Headers that we write, or a mail server on the way does (https://www.iana.org/assignments/message-headers, read
# 2026-11-24).
RESERVED_HEADERS = frozenset(
    (
        *("from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "sender", "return-path", "received"),
        *("mime-version", "dkim-signature", "domainkey-signature", "authentication-results"),
    )
)
# Content-* describes the body, arc- and resent- are written by mail servers. The others would change how one provider
# handles the email: with another configuration set, for example, SES would send no webhooks.
RESERVED_HEADER_PREFIXES = ("content-", "arc-", "resent-", "x-ses-", "x-mailgun-", "x-smtpapi", "x-sg-")
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,126}")  # a token of RFC 9110 §5.6.2
_MEDIA_TYPE = r"[!#$&^_.+\-0-9A-Za-z]{1,127}/[!#$&^_.+\-0-9A-Za-z]{1,127}"  # RFC 6838 §4.2
_METADATA_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _one_line(text: str) -> str:
    if CONTROL.search(text):
        raise ValueError("must not contain line breaks or other control characters")
    return text


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL characters")
    return text


def _matching(pattern: str, rule: str) -> AfterValidator:
    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(rule)
        return text

    return AfterValidator(check)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 because pydantic reports ValueError, not TypeError
    return value


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _mailbox(value: object) -> Mailbox:
    return addresses.read(_string(value))


def _time(value: object) -> int:
    return times.read(_string(value))


def _base64(value: object) -> bytes:
    try:
        content = base64.b64decode(_string(value), validate=True)
    except binascii.Error:
        content = b""
    if not content:
        raise ValueError("must be base64 (padded, without line breaks) of at least one byte")
    return content


def _unique(items: list[str]) -> list[str]:
    if len(set(items)) < len(items):
        raise ValueError("must not hold the same one twice")
    return items


def _header_name(name: str) -> str:
    if _HEADER_NAME.fullmatch(name) is None:
        raise ValueError("is not a header name: letters, digits and -, at most 126 characters")
    if name.lower() in RESERVED_HEADERS or name.lower().startswith(RESERVED_HEADER_PREFIXES):
        raise ValueError("cannot be set here")
    return name


def _headers(headers: dict[str, str]) -> dict[str, str]:
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("must not hold the same name twice; case does not tell names apart")
    return headers


def _metadata_key(key: str) -> str:
    if _METADATA_KEY.fullmatch(key) is None:
        raise ValueError("is not a key: letters, digits, _ and -, at most 64 characters")
    if key.lower().startswith("em_"):
        raise ValueError("is taken: keys that start with em_ are ours")
    return key


Address = Annotated[Mailbox, PlainValidator(_mailbox), WithJsonSchema({"type": "string"})]
Addresses = Annotated[
    list[Address],
    BeforeValidator(_as_list),
    Field(max_length=RECIPIENT_LIMIT),
    WithJsonSchema({"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Label = Annotated[str, StringConstraints(min_length=1, max_length=128), _matching(r"[ -~]*", "must be printable ASCII")]
Time = Annotated[int, PlainValidator(_time), WithJsonSchema({"type": "string", "format": "date-time"})]
File = Annotated[bytes, PlainValidator(_base64), WithJsonSchema({"type": "string", "contentEncoding": "base64"})]
Line = Annotated[str, StringConstraints(min_length=1, max_length=998), AfterValidator(_one_line)]
Text = Annotated[str, AfterValidator(_no_nul)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
MetadataKey = Annotated[str, AfterValidator(_metadata_key)]
MetadataValue = Annotated[str, StringConstraints(max_length=500), AfterValidator(_one_line)]


def _nullable(schema: dict[str, Any]) -> None:
    """Declare every optional field as one that may be null, too."""
    properties = schema["properties"]
    for name in set(properties) - set(schema.get("required", ())):
        about = {key: value for key, value in properties[name].items() if key in ("title", "description", "default")}
        shape = {key: value for key, value in properties[name].items() if key not in about}
        if {"type": "null"} not in shape.get("anyOf", ()):
            properties[name] = {"anyOf": [shape, {"type": "null"}], **about}


class Request(BaseModel):
    """The base of every object in a request: unknown fields and wrong types are refused, null counts as left out."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_nullable)

    @model_validator(mode="before")
    @classmethod
    def _leave_out(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: item for name, item in value.items() if item is not None}


class AttachmentRequest(Request):
    """A file that travels with the email."""

    filename: Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_one_line)]
    content: Annotated[File, Field(description="base64, padded, without line breaks")]
    content_type: Annotated[str, _matching(_MEDIA_TYPE, "must look like application/pdf")] = "application/octet-stream"
    content_id: Annotated[
        str,
        _matching(r"[A-Za-z0-9._@+\-]{1,128}", "must have letters, digits and . _ @ + - only, at most 128"),
        Field(description="makes the file inline: the HTML shows it by a URL of `cid:` and this id"),
    ] = ""


class EmailRequest(Request):
    """An email to send. A field that is null counts as left out."""

    sender: Annotated[Address, Field(alias="from", description="`no-reply@example.com`, or with a name before it")]
    to: Annotated[Addresses, Field(description=f"1 to {RECIPIENT_LIMIT} recipients, with cc and bcc together")]
    cc: Addresses = []
    bcc: Addresses = []
    reply_to: Addresses = []
    subject: Line
    text: Annotated[Text, Field(description="`text`, `html` or both are required")] = ""
    html: Text = ""
    headers: Annotated[
        dict[HeaderName, Line],
        Field(max_length=50, description="further headers; a header that a field of its own sets is refused"),
        AfterValidator(_headers),
    ] = {}
    attachments: Annotated[list[AttachmentRequest], Field(max_length=20)] = []
    tags: Annotated[list[Label], Field(max_length=10), AfterValidator(_unique)] = []
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=20)] = {}
    expires_at: Annotated[
        Time | None, Field(description="no attempt is made after this time; at most 30 days ahead; default: 24 hours")
    ] = None
    on_uncertain: Annotated[
        Literal["wait", "failover", "fail"],
        Field(
            description="when a provider may or may not have sent it: wait for evidence, fail over, or give up. "
            "Calls of unknown outcome are at most 2, 4 or 1 for a recipient"
        ),
    ] = "wait"
    providers: Annotated[
        list[str], AfterValidator(_unique), Field(min_length=1, description="send through these providers only")
    ] = []
    collapse_key: Annotated[
        Label | None,
        Field(description="the newest email with this key replaces those of the same API key that are still queued"),
    ] = None
    critical: Annotated[
        bool,
        Field(
            description="send it again through the next provider if the one that accepted it falls silent; "
            "never with `on_uncertain: fail`"
        ),
    ] = False
    override_suppression: Annotated[
        bool, Field(description="send to suppressed addresses, too; needs an API key with the scope `admin`; is logged")
    ] = False


class SuppressionRequest(Request):
    """An address to which nothing is to be sent."""

    address: Address
    reason: Annotated[Reason, Field(strict=False)] = Reason.MANUAL
    note: Annotated[
        str,
        StringConstraints(min_length=1, max_length=500),
        AfterValidator(_one_line),
        Field(description="the evidence: who said so, and where"),
    ]
    until: Annotated[Time | None, Field(description="at most 10 years ahead; the default depends on the reason")] = None
