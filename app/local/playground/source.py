"""An email as it would travel (RFC 5322), made from what the simulated provider has read."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final

_POLICY: Final = SMTP.clone(cte_type="8bit", utf8=True)
_TYPE: Final = re.compile(r"([\w.+-]+)/([\w.+-]+)")


def write(message: Mapping[str, Any]) -> bytes:
    """The bytes of the email. A header that cannot be written is left out."""
    mail = EmailMessage(_POLICY)
    for name, value in fields(message):
        _put(mail, name, value)
    # One of the two is there; both become alternatives.
    if message["text"] or not message["html"]:
        mail.set_content(_clean(message["text"]), cte="8bit")
    if message["html"] and message["text"]:
        mail.add_alternative(_clean(message["html"]), subtype="html", cte="8bit")
    elif message["html"]:
        mail.set_content(_clean(message["html"]), subtype="html", cte="8bit")
    for each in message["attachments"]:
        kind, subkind = _kind(each["content_type"])
        content = base64.b64decode(each["content"])
        mail.add_attachment(content, maintype=kind, subtype=subkind, filename=_clean_line(each["filename"]))
        part = list(mail.iter_attachments())[-1]
        if each["content_id"]:
            _put(part, "Content-ID", f"<{each['content_id'].strip('<>')}>")
            part.replace_header("Content-Disposition", "inline")
    return mail.as_bytes()


def fields(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The header fields: those of every email, then its own."""
    known = {
        "From": message["from"],
        "To": ", ".join(message["to"]),
        "Cc": ", ".join(message["cc"]),
        "Reply-To": ", ".join(message["reply_to"]),
        "Subject": message["subject"],
        "Date": format_datetime(datetime.fromisoformat(message["received_at"])),
    }
    return [(name, value) for name, value in known.items() if value] + list(message["headers"].items())


def _put(mail: EmailMessage | Any, name: str, value: str) -> None:
    try:
        mail[name] = _clean_line(value)
    except (ValueError, IndexError, AttributeError, LookupError):
        return  # the standard library's header classes raise all of these on what they cannot read


def _kind(content_type: str) -> tuple[str, str]:
    found = _TYPE.match(content_type)
    if found is None or found[1].lower() in ("multipart", "message"):
        return "application", "octet-stream"
    return found[1], found[2]


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _clean_line(text: str) -> str:
    """The text in one line. Python breaks lines at more characters than CR and LF, and refuses headers with them."""
    return " ".join(_clean(text).replace("\x00", " ").splitlines())
