"""What to do instead of what is refused: tables of headers that cannot be set, and of fields that are not there."""

from collections.abc import Mapping
from typing import Final

from app.providers.registry import CONTROL_HEADERS

_BY_US = "it is written when the email is sent; remove it"
_BY_SERVERS = "mail servers write it on the way; remove it"
_BODY = "it describes the body, which `text`, `html` and `attachments` make; remove it"
_OPTIONS = "it would change how one provider handles the email; use `tags` and `metadata`"

# Headers that we write, or a mail server on the way does (https://www.iana.org/assignments/message-headers, read
# 2026-11-24), by lower-case name.
RESERVED_HEADERS: Final[Mapping[str, str]] = {
    "from": "use the field `from`",
    "sender": "use the field `from`",
    "to": "use the field `to`",
    "cc": "use the field `cc`",
    "bcc": "use the field `bcc`",
    "reply-to": "use the field `reply_to`",
    "subject": "use the field `subject`",
    "date": _BY_US,
    "message-id": f"{_BY_US}. `References` and `In-Reply-To` may be set",
    "mime-version": _BY_US,
    "return-path": "providers set it, so that bounces are reported; use the field `reply_to` for answers",
    "received": _BY_SERVERS,
    "dkim-signature": _BY_SERVERS,
    "domainkey-signature": _BY_SERVERS,
    "authentication-results": _BY_SERVERS,
}
RESERVED_HEADER_PREFIXES: Final[Mapping[str, str]] = {
    "content-": _BODY,
    "arc-": _BY_SERVERS,
    "resent-": _BY_SERVERS,
    **dict.fromkeys(CONTROL_HEADERS, _OPTIONS),
}

_TEMPLATES = "is not supported: fill in the template yourself, and send the result as `html` and `text`"
_AMP = "is not supported, because most providers do not take it; send `html` and `text`"
_TRACKING = "is not a known field; use `tracking`, which has `opens` and `clicks`"
_SCHEDULE = "is not a known field; use `send_at`"
# Fields of other APIs whose meaning here has another name, or no name yet.
UNKNOWN_FIELDS: Final[Mapping[str, str]] = {
    "webhook": "is not a known field; use `webhook_url`",
    "callback_url": "is not a known field; use `webhook_url`",
    "deliver_at": _SCHEDULE,
    "delivery_time": _SCHEDULE,
    "o:deliverytime": _SCHEDULE,
    "send_after": _SCHEDULE,
    "template_id": _TEMPLATES,
    "template": _TEMPLATES,
    "template_data": _TEMPLATES,
    "dynamic_template_data": _TEMPLATES,
    "substitutions": _TEMPLATES,
    "amp_html": _AMP,
    "amp": _AMP,
    "body": "is not a known field; use `text` or `html`",
    "content": "is not a known field; use `text` or `html`",
    "message": "is not a known field; use `text` or `html`",
    "text_body": "is not a known field; use `text`",
    "html_body": "is not a known field; use `html`",
    "personalizations": "is not a known field; use `to`, `cc` and `bcc`",
    "recipients": "is not a known field; use `to`",
    "categories": "is not a known field; use `tags`",
    "category": "is not a known field; use `tags`",
    "custom_args": "is not a known field; use `metadata`",
    "variables": "is not a known field; use `metadata`",
    "track_opens": _TRACKING,
    "track_clicks": _TRACKING,
    "track_links": _TRACKING,
    "open_tracking": _TRACKING,
    "click_tracking": _TRACKING,
    "tracking_settings": _TRACKING,
    "o:tracking": _TRACKING,
    "o:tracking-opens": _TRACKING,
    "o:tracking-clicks": _TRACKING,
    "idempotency_key": "is not a known field; send it as the header `Idempotency-Key`",
}
UNKNOWN_FIELDS_OF_A_FILE: Final[Mapping[str, str]] = {
    "name": "is not a known field; use `filename`",
    "data": "is not a known field; use `content`",
    "type": "is not a known field; use `content_type`",
    "mime_type": "is not a known field; use `content_type`",
    "disposition": "is not a known field; a file with a `content_id` is inline, every other is an attachment",
    "path": "is not supported: files are not fetched; send the bytes as `content`",
    "url": "is not supported: files are not fetched; send the bytes as `content`",
}


def of_header(name: str) -> str:
    """Why the header cannot be set and what to do instead, or "" if it may be set."""
    lower = name.lower()
    prefixed = (remedy for prefix, remedy in RESERVED_HEADER_PREFIXES.items() if lower.startswith(prefix))
    remedy = RESERVED_HEADERS.get(lower) or next(prefixed, "")
    return f"cannot be set here: {remedy}" if remedy else ""
