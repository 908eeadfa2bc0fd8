"""Reads the body of SES's `POST /v2/email/outbound-emails`, and refuses what SES refuses."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from app.local.simulator.dialect import Refused, Reply, json_reply
from app.local.simulator.mail import File, Mail, Mailbox, Tracking, read_mailboxes
from app.local.simulator.ses.mime import Malformed, Mime, read_mime
from app.providers import registry

CONFIGURATION_SET: Final = "emailsminder"  # the only one of every account
LIMITS: Final = registry.limits("ses")
RECIPIENTS: Final = LIMITS.recipients.value  # per message
TAG_CHARS: Final = LIMITS.tag_chars.value or 0
HEADERS: Final = 15  # per message with Simple content
STATUSES: Final = {"ENABLED": True, "DISABLED": False}  # FeatureStatus


def error(status: int, code: str, text: str, headers: Mapping[str, str] | None = None) -> Reply:
    """An error in the form of SES, which has the code in a header."""
    return json_reply(status, {"message": text}, {"x-amzn-ErrorType": code, **(headers or {})})


def read_mail(body: bytes) -> Mail:
    """The email of a request body. Raises Refused."""
    try:
        request = json.loads(body)
    except ValueError:
        raise Refused(error(400, "SerializationException", "The request body is not valid JSON.")) from None
    if not isinstance(request, dict):
        raise Refused(error(400, "SerializationException", "Start of structure or map expected."))
    try:
        return _mail(request)
    except (KeyError, TypeError, AttributeError):
        # A member is missing, or has another type than in the API's model.
        raise Refused(error(400, "BadRequestException", "The request does not match the model of SendEmail.")) from None


def _mail(request: Mapping[str, Any]) -> Mail:
    destination = request["Destination"]
    to, cc, bcc = (_mailboxes(destination.get(role) or []) for role in ("ToAddresses", "CcAddresses", "BccAddresses"))
    if not to + cc + bcc:
        raise _bad("Missing final '@domain'")
    if len(to + cc + bcc) > RECIPIENTS:
        raise _bad(f"Recipient count exceeds {RECIPIENTS}.")
    given = request.get("FromEmailAddress")
    content = request["Content"]
    if "Simple" in content and given:
        sender, mime = _mailboxes([given])[0], _simple(content["Simple"])
    elif "Raw" in content:
        mime = _raw(content["Raw"])
        sender = _mailboxes([given or mime.sender])[0]
        mime.headers.update(_shown(mime, to, cc))
        to, cc, bcc = (_named(mailboxes, (*mime.to, *mime.cc)) for mailboxes in (to, cc, bcc))
    else:
        raise _bad("FromEmailAddress and Content.Simple or Content.Raw are required.")
    for file in mime.attachments:
        # Developer Guide, "Unsupported attachment types". The guide does not say how the call is answered.
        if file.filename.lower().rpartition(".")[2] in LIMITS.blocked_extensions.value:
            raise Refused(error(400, "MessageRejected", f"Illegal filename '{file.filename}'."))
    return Mail(
        sender=sender,
        to=to,
        cc=cc,
        bcc=bcc,
        reply_to=_mailboxes(request.get("ReplyToAddresses") or []) or mime.reply_to,
        subject=mime.subject,
        text=mime.text,
        html=mime.html,
        headers=mime.headers,
        attachments=tuple(mime.attachments),
        metadata=_tags(request.get("EmailTags") or []),
        tracking=_tracking((request.get("ConfigurationOverrides") or {}).get("Tracking") or {}),
        is_reported=_is_reported(request.get("ConfigurationSetName")),
    )


def _bad(text: str) -> Refused:
    return Refused(error(400, "BadRequestException", text))


def _mailboxes(addresses: list[str]) -> tuple[Mailbox, ...]:
    try:
        found = [read_mailboxes(address) for address in addresses]
    except ValueError:
        raise _bad("Missing final '@domain'") from None
    if any(len(each) != 1 for each in found):
        raise _bad("Illegal address")
    if not all(each[0].address.isascii() for each in found):
        raise _bad("Domain contains control or whitespace")
    return tuple(each[0] for each in found)


def _tags(found: list[Mapping[str, str]]) -> dict[str, str]:
    for tag in found:
        if not _is_tag(tag["Name"]) or not _is_tag(tag["Value"]):
            raise _bad("Tag names and values may contain ASCII letters, digits, '_' and '-' only.")
    return {tag["Name"]: tag["Value"] for tag in found}


def _is_tag(text: str) -> bool:
    return len(text) <= TAG_CHARS and LIMITS.tag_characters.value.fullmatch(text) is not None


def _tracking(found: Mapping[str, Any]) -> Tracking:
    """The overrides of SendEmail's model (botocore 1.44.8, 2026-11-20). What is left out is not overridden."""
    return Tracking(_status(found, "openTrackingEnabled"), _status(found, "clickTrackingEnabled"))


def _status(found: Mapping[str, Any], member: str) -> bool | None:
    value = found.get(member[0].upper() + member[1:])
    if not isinstance(value, str | None):
        raise Refused(error(400, "SerializationException", f"{type(value).__name__} can not be converted to a String"))
    if value is not None and value not in STATUSES:
        raise _bad(
            f"1 validation error detected: Value '{value}' at 'configurationOverrides.tracking.{member}' failed to "
            "satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]"
        )
    return None if value is None else STATUSES[value]


def _is_reported(configuration_set: str | None) -> bool:
    if configuration_set not in (None, CONFIGURATION_SET):
        raise Refused(error(404, "NotFoundException", f"Configuration set <{configuration_set}> does not exist."))
    return configuration_set is not None


def _simple(found: Mapping[str, Any]) -> Mime:
    body = found["Body"]
    text, html = ((body.get(kind) or {"Data": ""})["Data"] for kind in ("Text", "Html"))
    if not text and not html:
        raise _bad("The body of the message is empty.")
    headers = {header["Name"]: header["Value"] for header in found.get("Headers") or []}
    if len(headers) > HEADERS or not all(f"{name}{value}".isascii() for name, value in headers.items()):
        raise _bad(f"At most {HEADERS} headers, in printable ASCII.")
    return Mime(
        subject=found["Subject"]["Data"],
        text=text,
        html=html,
        headers=headers,
        attachments=[_file(each) for each in found.get("Attachments") or []],
    )


def _file(found: Mapping[str, Any]) -> File:
    inline = found.get("ContentDisposition") == "INLINE"
    return File(
        filename=found["FileName"],
        content_type=found.get("ContentType") or "application/octet-stream",
        content=_decoded(found["RawContent"]),
        content_id=(found.get("ContentId") or "") if inline else "",
    )


def _raw(found: Mapping[str, Any]) -> Mime:
    try:
        return read_mime(_decoded(found["Data"]))
    except Malformed as malformed:
        raise _bad(str(malformed)) from None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(error(400, "SerializationException", "A blob must be base64 encoded.")) from None


def _named(mailboxes: tuple[Mailbox, ...], shown: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
    """The mailboxes with the display names of `shown`.

    In a call with raw MIME, the destination may have bare addresses, because the headers have the names.
    """
    names = {mailbox.address.lower(): mailbox.name for mailbox in shown}
    return tuple(replace(each, name=each.name or names.get(each.address.lower(), "")) for each in mailboxes)


def _shown(mime: Mime, to: tuple[Mailbox, ...], cc: tuple[Mailbox, ...]) -> dict[str, str]:
    """The To and Cc of the headers, where they differ from the recipients of this call."""
    pairs = {"To": (mime.to, to), "Cc": (mime.cc, cc)}
    return {
        name: ", ".join(str(mailbox) for mailbox in shown)
        for name, (shown, sent) in pairs.items()
        if [mailbox.address.lower() for mailbox in shown] != [mailbox.address.lower() for mailbox in sent]
    }
