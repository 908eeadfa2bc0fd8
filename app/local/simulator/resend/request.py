"""Reads the body of Resend's `POST /emails`, and refuses what Resend refuses."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from app.local.simulator.dialect import Refused, Reply, json_reply
from app.local.simulator.mail import File, Mail, Mailbox, read_mailboxes, read_words
from app.providers import registry

LIMITS: Final = registry.limits("resend")
RECIPIENTS: Final = LIMITS.recipients.value
TAG_CHARS: Final = LIMITS.tag_chars.value or 0
_ADDRESS: Final = "The email address needs to follow the `email@example.com` or `Name <email@example.com>` format."


def error(status: int, name: str, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    """An error as Resend words it."""
    return json_reply(status, {"statusCode": status, "name": name, "message": message}, headers)


def read_mail(body: bytes) -> Mail:
    """The email of a request body. Raises Refused, naming the field."""
    try:
        request = json.loads(body)
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise Refused(error(400, "validation_error", "The request body is not valid JSON."))
    for field in ("from", "to", "subject"):
        if field not in request:
            raise Refused(error(422, "missing_required_field", f"Missing `{field}` field."))
    text, html = _text(request, "text"), _text(request, "html")
    if not text and not html:
        raise Refused(error(422, "missing_required_field", "Missing `html` or `text` field."))
    to = _mailboxes(request, "to")
    _require(1 <= len(to) <= RECIPIENTS, f"Invalid `to` field. There must be 1 to {RECIPIENTS} recipients.")
    return Mail(
        sender=_sender(request),
        to=to,
        cc=_mailboxes(request, "cc"),
        bcc=_mailboxes(request, "bcc"),
        reply_to=_mailboxes(request, "reply_to"),
        subject=read_words(_text(request, "subject")),
        text=text,
        html=html,
        headers={name: read_words(value) for name, value in _headers(request.get("headers", {})).items()},
        attachments=tuple(_file(each) for each in _list(request.get("attachments", []), "attachments")),
        metadata=dict(_tag(each) for each in _list(request.get("tags", []), "tags")),
    )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise Refused(error(422, "validation_error", message))


def _text(request: Mapping[str, Any], field: str) -> str:
    value = request.get(field, "")
    _require(isinstance(value, str), f"The `{field}` field must be a string.")
    return str(value)


def _list(found: object, field: str) -> list[Any]:
    if not isinstance(found, list):
        raise Refused(error(422, "validation_error", f"The `{field}` field must be an array."))
    return found


def _sender(request: Mapping[str, Any]) -> Mailbox:
    value = _text(request, "from")
    if "=?" in value:  # Resend refuses encoded words here, as the source of django-anymail 10.2 (2023-10-25) notes
        raise Refused(error(451, "security_error", "The email payload contain invalid characters"))
    return _mailbox(value, "from")


def _mailboxes(request: Mapping[str, Any], field: str) -> tuple[Mailbox, ...]:
    """The mailboxes of `field`, which is one string or a list of strings, each with one mailbox. Raises Refused."""
    value = request.get(field, [])
    return tuple(_mailbox(each, field) for each in ([value] if isinstance(value, str) else _list(value, field)))


def _mailbox(value: object, field: str) -> Mailbox:
    """One mailbox. Its name may be in quotes since spring 2025 (django-anymail 13.0, 2025-04-03). Raises Refused."""
    _require(isinstance(value, str), f"Invalid `{field}` field. {_ADDRESS}")
    try:
        (mailbox,) = read_mailboxes(str(value))
    except ValueError:
        raise Refused(error(422, "validation_error", f"Invalid `{field}` field. {_ADDRESS}")) from None
    return mailbox


def _headers(found: object) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise Refused(error(422, "validation_error", "The `headers` field must be an object of strings."))
    return found


def _file(each: object) -> File:
    found = each if isinstance(each, dict) else {}
    try:
        content = base64.b64decode(found.get("content") or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        content = b""
    if not content or not found.get("filename"):
        raise Refused(error(422, "invalid_attachment", "Attachment must have either a `content` or `path`."))
    if found["filename"].lower().rpartition(".")[2] in LIMITS.blocked_extensions.value:
        raise Refused(error(422, "invalid_attachment", "Attachment has a file type that is not supported."))
    kind = found.get("content_type") or "application/octet-stream"
    return File(found["filename"], kind, content, found.get("content_id") or "")


def _tag(each: object) -> tuple[str, str]:
    found = each if isinstance(each, dict) else {}
    name, value = found.get("name"), found.get("value")
    if not all(isinstance(text, str) and _is_tag(text) for text in (name, value)):
        message = "Tags should only contain ASCII letters, numbers, underscores, or dashes."
        raise Refused(error(422, "validation_error", message))
    return str(name), str(value)


def _is_tag(text: str) -> bool:
    return len(text) <= TAG_CHARS and LIMITS.tag_characters.value.fullmatch(text) is not None
