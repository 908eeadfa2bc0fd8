"""How large an email is on the wire, in bytes. Every size is an estimate, rather too large than too small."""

import json
from collections.abc import Iterable
from typing import Final, Protocol

from app.domain.email import Content, Mailbox

# Base64 makes four bytes of three, and adds a line break of two bytes to every 76.
BASE64_GROWTH: Final = 4 / 3 * 78 / 76
OVERHEAD_BYTES: Final = 4096  # what the provider adds, and the boundaries
# Message-ID, MIME-Version, and the headers of the body, which has a boundary of 70 characters at most.
HEADER_OVERHEAD_BYTES: Final = 512
# Our ids travel as metadata (about 80 bytes), and what is tracked as options (about 60); a provider may put a prefix
# before names that its events use themselves.
OUR_METADATA_BYTES: Final = 200
_SEPARATOR_BYTES: Final = 4  # `: ` and the line break, or a comma and the line break within a header


class Carried(Protocol):
    """An email, or the copy of it that one call carries."""

    @property
    def sender(self) -> Mailbox:
        """From."""

    @property
    def to(self) -> tuple[Mailbox, ...]:
        """The recipients in `to`."""

    @property
    def cc(self) -> tuple[Mailbox, ...]:
        """The recipients in `cc`."""

    @property
    def bcc(self) -> tuple[Mailbox, ...]:
        """The recipients in `bcc`, who are in no header."""

    @property
    def content(self) -> Content:
        """Everything else."""


def email_bytes(email: Carried) -> int:
    """The whole email."""
    content = email.content
    text = sum(len(part.encode()) for part in (content.text, content.html))
    files = sum(len(attachment.content) for attachment in content.attachments)
    return OVERHEAD_BYTES + header_section_bytes(email) + int((text + files) * BASE64_GROWTH)


def header_section_bytes(email: Carried) -> int:
    """The headers of the email, before its first empty line."""
    content = email.content
    lists = ((email.sender,), email.to, email.cc, content.reply_to)
    fields = [("Subject", content.subject), *content.headers]
    lines = sum(len(name) + _SEPARATOR_BYTES + _encoded_bytes(value) for name, value in fields)
    return HEADER_OVERHEAD_BYTES + lines + sum(map(_list_bytes, lists))


def metadata_bytes(content: Content) -> int:
    """The metadata as a JSON object, with our ids."""
    return OUR_METADATA_BYTES + len(json.dumps(dict(content.metadata), ensure_ascii=False).encode())


def options_bytes(content: Content) -> int:
    """The names and values of headers, tags and metadata, each name with a prefix of two characters."""
    pairs = [*content.headers, *content.metadata.items(), *(("tag", tag) for tag in content.tags)]
    options = sum(2 + len(name.encode()) + len(value.encode()) for name, value in pairs)
    return OUR_METADATA_BYTES + options + _list_bytes(content.reply_to)


def _list_bytes(mailboxes: Iterable[Mailbox]) -> int:
    return sum(
        len(' "" <>') + _encoded_bytes(_escaped(one.name)) + len(one.address.encode()) + _SEPARATOR_BYTES
        for one in mailboxes
    )


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')


def _encoded_bytes(text: str) -> int:
    """The length of a header's value. Encoded words (RFC 2047) make at most 78 characters of 40 bytes of UTF-8."""
    return len(text) if text.isascii() and "=?" not in text else 78 + 2 * len(text.encode())
