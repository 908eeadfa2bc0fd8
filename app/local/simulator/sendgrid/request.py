"""Reads the body of SendGrid's `POST /v3/mail/send`, and refuses what SendGrid refuses."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from app.local.simulator.dialect import Refused, Reply, json_reply
from app.local.simulator.mail import File, Mail, Mailbox, is_address, read_words
from app.local.simulator.sendgrid import settings
from app.providers import registry

LIMITS: Final = registry.limits("sendgrid")
CUSTOM_ARGS_BYTES: Final = LIMITS.metadata_bytes.value or 0
CATEGORIES: Final = LIMITS.tags.value or 0
CATEGORY_CHARS: Final = LIMITS.tag_chars.value or 0


def errors(status: int, message: str, field: str | None = None, headers: Mapping[str, str] | None = None) -> Reply:
    """An error as SendGrid words it."""
    return json_reply(status, {"errors": [{"message": message, "field": field, "help": None}]}, headers)


def read_mail(body: bytes) -> Mail:
    """The email of a request body. Raises Refused, naming the field."""
    try:
        request = json.loads(body)
    except ValueError:
        raise Refused(errors(400, "Bad Request")) from None
    return _mail(_object(request, ""))


def _require(condition: bool, field: str, message: str) -> None:
    if not condition:
        raise Refused(errors(400, message, field))


def _object(found: object, field: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise Refused(
            errors(400, "Bad Request" if not field else f"The {field} parameter must be an object.", field or None)
        )
    return found


def _list(found: object, field: str) -> list[Any]:
    if not isinstance(found, list):
        raise Refused(errors(400, f"The {field} parameter must be an array.", field))
    return found


def _mail(request: Mapping[str, Any]) -> Mail:
    envelopes = request.get("personalizations")
    _require(
        isinstance(envelopes, list) and bool(envelopes),
        "personalizations",
        "The personalizations field is required and must have at least one personalization.",
    )
    # SendGrid sends several emails in one call; the simulator does not, because each call is one entry of the inbox.
    _require(len(request["personalizations"]) == 1, "personalizations", "The simulator reads one personalization.")
    envelope = _object(request["personalizations"][0], "personalizations.0")
    to, cc, bcc = (_mailboxes(envelope, role) for role in ("to", "cc", "bcc"))
    _require(
        bool(to),
        "personalizations.0.to",
        "The to array is required for all personalization objects, and must have at least one email object with a "
        "valid email address.",
    )
    _no_repeats({"to": to, "cc": cc, "bcc": bcc})
    _require(
        isinstance(request.get("from"), dict) and is_address(request["from"].get("email")),
        "from.email",
        "The from object must be provided for every email send. It is an object that requires the email parameter.",
    )
    subject = envelope.get("subject") or request.get("subject")
    if not isinstance(subject, str) or not subject:
        raise Refused(errors(400, "The subject is required.", "subject"))
    text, html = _bodies(request.get("content"))
    headers = {**_object(request.get("headers", {}), "headers"), **_object(envelope.get("headers", {}), "headers")}
    for name, value in headers.items():
        _require(isinstance(value, str), f"headers.{name}", "The header value must be a string.")
        _require(
            name.lower() not in LIMITS.reserved_headers.value, f"headers.{name}", f"The header {name} is reserved."
        )
    custom = {
        **_object(request.get("custom_args", {}), "custom_args"),
        **_object(envelope.get("custom_args", {}), "custom_args"),
    }
    for name, value in custom.items():
        _require(isinstance(value, str), f"custom_args.{name}", "The custom argument value must be a string.")
    _require(
        len(json.dumps(custom)) < CUSTOM_ARGS_BYTES,
        "custom_args",
        f"The custom arguments must be below {CUSTOM_ARGS_BYTES} bytes.",
    )
    for field, message in settings.faults(request):
        raise Refused(errors(400, message, field))
    return Mail(
        sender=_mailbox(request["from"]),
        to=to,
        cc=cc,
        bcc=bcc,
        reply_to=_reply_to(request),
        subject=read_words(subject),
        text=text,
        html=html,
        headers={name: read_words(value) for name, value in headers.items()},
        attachments=tuple(
            _file(number, each) for number, each in enumerate(_list(request.get("attachments", []), "attachments"))
        ),
        tags=_categories(request.get("categories", [])),
        metadata=custom,
        tracking=settings.tracking(request),
    )


def _mailbox(found: Mapping[str, Any]) -> Mailbox:
    return Mailbox(found["email"], read_words(found.get("name") or ""))


def _mailboxes(envelope: Mapping[str, Any], role: str) -> tuple[Mailbox, ...]:
    found = _list(envelope.get(role, []), f"personalizations.0.{role}")
    for number, each in enumerate(found):
        _require(
            isinstance(each, dict) and is_address(each.get("email")),
            f"personalizations.0.{role}.{number}.email",
            "Does not contain a valid address.",
        )
    return tuple(_mailbox(each) for each in found)


def _no_repeats(roles: Mapping[str, tuple[Mailbox, ...]]) -> None:
    seen: set[str] = set()
    for role, mailboxes in roles.items():
        for mailbox in mailboxes:
            _require(
                mailbox.address.lower() not in seen,
                "personalizations.0",
                "Each email address in the personalization block should be unique between to, cc, and bcc. We found "
                f"the first duplicate instance of [{mailbox.address}] in the personalizations.0.{role} field.",
            )
            seen.add(mailbox.address.lower())
    _require(
        len(seen) <= LIMITS.recipients.value,
        "personalizations",
        f"The total number of recipients must be no more than {LIMITS.recipients.value}.",
    )


def _bodies(content: object) -> tuple[str, str]:
    _require(
        isinstance(content, list) and bool(content),
        "content",
        "Unless a valid template_id is provided, the content parameter is required. There must be at least one defined "
        "content block.",
    )
    found: dict[str, str] = {}
    for number, part in enumerate(_list(content, "content")):
        block = _object(part, f"content.{number}")
        value = block.get("value")
        _require(
            isinstance(value, str) and bool(value),
            f"content.{number}.value",
            "The content value must be a string at least one character in length.",
        )
        found[str(block.get("type"))] = str(value)
    order = [kind for kind in found if kind in ("text/plain", "text/html")]
    _require(
        order != ["text/html", "text/plain"],
        "content",
        "If present, text/plain content must come first, then text/html, then any other content.",
    )
    return found.get("text/plain", ""), found.get("text/html", "")


def _reply_to(request: Mapping[str, Any]) -> tuple[Mailbox, ...]:
    single, several = request.get("reply_to"), request.get("reply_to_list")
    _require(
        single is None or several is None,
        "reply_to",
        "The reply_to and reply_to_list fields may not be used together.",
    )
    found = [single] if single is not None else _list(several or [], "reply_to_list")
    for each in found:
        _require(
            isinstance(each, dict) and is_address(each.get("email")),
            "reply_to.email",
            "The reply_to email does not contain a valid address.",
        )
    return tuple(_mailbox(each) for each in found)


def _file(number: int, each: object) -> File:
    field = f"attachments.{number}"
    found = _object(each, field)
    _require(bool(found.get("filename")), f"{field}.filename", "The attachment filename parameter is required.")
    try:
        content = base64.b64decode(found.get("content") or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        content = b""
    _require(
        bool(content) or LIMITS.empty_attachments.value,
        f"{field}.content",
        "The attachment content must be base64 encoded.",
    )
    # "Mail Send", `attachments.type`; with parameters the call is answered 400.
    kind = str(found.get("type") or "")
    _require(";" not in kind, f"{field}.type", "The attachment type cannot contain ';', or CRLF characters.")
    inline = found.get("disposition") == "inline"
    return File(
        filename=found["filename"],
        content_type=kind or "application/octet-stream",
        content=content,
        content_id=(found.get("content_id") or "") if inline else "",
    )


def _categories(found: object) -> tuple[str, ...]:
    categories = tuple(str(each) for each in _list(found, "categories"))
    _require(
        len(categories) <= CATEGORIES
        and len(set(categories)) == len(categories)
        and all(len(category) <= CATEGORY_CHARS for category in categories),
        "categories",
        f"At most {CATEGORIES} unique categories of at most {CATEGORY_CHARS} characters each.",
    )
    return categories
