"""Reads an email in MIME into the same parts that one in JSON has."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from typing import Final

from app.local.simulator.mail import PARSER_ERRORS, File, Mailbox, read_mailboxes, read_words

# Headers with a meaning of their own. All others are custom headers.
_OWN: Final = frozenset(
    {"from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "mime-version", "content-type",
     "content-transfer-encoding", "content-disposition", "content-id"}
)  # fmt: skip
_FOLD: Final = re.compile(r"\r?\n(?=[ \t])")
_ONCE: Final = ("From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version")  # RFC 5322, 3.6


class Malformed(Exception):
    """The text is not an email. The message says why, in SES's words."""


@dataclass(slots=True)
class Mime:
    """The parts of an email. `to` and `cc` are what its headers show."""

    subject: str
    text: str = ""
    html: str = ""
    sender: str = ""
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    attachments: list[File] = field(default_factory=list)


def read_mime(raw: bytes) -> Mime:
    """The parts of a MIME email. Raises Malformed."""
    try:
        return _parts(message_from_bytes(raw, policy=policy.default))
    except PARSER_ERRORS:
        raise Malformed("The message cannot be parsed.") from None


def _parts(message: EmailMessage) -> Mime:
    for name in _ONCE:
        if len(message.get_all(name, [])) > 1:
            raise Malformed(f"Duplicate header '{name}'")
    if not message["From"]:
        raise Malformed("Missing required header 'From'.")
    body = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
    return Mime(
        subject=read_words(_unfolded(message, "Subject")),
        text=_text(body["plain"]),
        html=_text(body["html"]),
        sender=_unfolded(message, "From"),
        to=_mailboxes(message, "To"),
        cc=_mailboxes(message, "Cc"),
        reply_to=_mailboxes(message, "Reply-To"),
        headers={name: read_words(_unfolded(message, name)) for name in message if name.lower() not in _OWN},
        attachments=[_file(part) for part in _leaves(message) if part not in body.values()],
    )


def _mailboxes(message: EmailMessage, name: str) -> tuple[Mailbox, ...]:
    value = _unfolded(message, name)
    if not value:
        return ()
    try:
        return read_mailboxes(value)
    except ValueError:
        raise Malformed(f"Illegal address in header '{name}'") from None


def _unfolded(message: EmailMessage, name: str) -> str:
    """The last header of this name as it was written, on one line; "" if there is none.

    The library would decode what looks like an encoded word inside of a URL, too.
    """
    values = [str(value) for each, value in message.raw_items() if each.lower() == name.lower()]
    written = values[-1].encode(errors="surrogateescape").decode(errors="replace") if values else ""
    return _FOLD.sub("", written).strip()


def _leaves(part: MIMEPart) -> Iterator[MIMEPart]:
    """The parts that have content. An attached email counts as one part."""
    if part.get_content_maintype() != "multipart":
        yield part
        return
    for below in part.iter_parts():
        yield from _leaves(below)


def _text(part: MIMEPart | None) -> str:
    if part is None:
        return ""
    # In MIME every line ends in CRLF, the last one too, so that last line break is not part of the text.
    return str(part.get_content()).replace("\r\n", "\n").removesuffix("\n")


def _file(part: MIMEPart) -> File:
    # The bytes as they came: `get_content` would decode text by its charset.
    decoded = part.get_payload(decode=True)
    content = decoded if isinstance(decoded, bytes) else part.get_content().as_bytes()
    return File(
        filename=part.get_filename() or "",
        content_type=part.get_content_type(),
        content=content,
        content_id=str(part["Content-ID"] or "").strip().strip("<>"),
    )
