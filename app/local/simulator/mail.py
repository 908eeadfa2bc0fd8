"""An email as a simulated provider has read it from a call."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.headerregistry import AddressHeader, HeaderRegistry
from typing import Final


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with its display name ("" for none)."""

    address: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


@dataclass(frozen=True, slots=True)
class File:
    """An attachment. It is inline if it has a `content_id`."""

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""

    def as_json(self) -> dict[str, object]:
        """The attachment as the inbox shows it: `size` in bytes, `content` in base64."""
        return {
            "filename": self.filename,
            "content_type": self.content_type,
            "size": len(self.content),
            "content_id": self.content_id,
            "content": base64.b64encode(self.content).decode(),
        }


@dataclass(frozen=True, slots=True)
class Tracking:
    """What a call says of the tracking of its email. None: nothing, so that a setting of the account counts."""

    opens: bool | None = None
    clicks: bool | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """The email of one call. `metadata` is what the provider returns with every event."""

    sender: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    text: str = ""
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[File, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    tracking: Tracking = Tracking()
    is_reported: bool = True  # False: the provider reports no events about it

    @property
    def recipients(self) -> tuple[Mailbox, ...]:
        """All recipients: to, cc and bcc."""
        return self.to + self.cc + self.bcc

    def as_json(self) -> dict[str, object]:
        """The email as the inbox shows it."""
        return {
            "from": str(self.sender),
            "to": [str(mailbox) for mailbox in self.to],
            "cc": [str(mailbox) for mailbox in self.cc],
            "bcc": [str(mailbox) for mailbox in self.bcc],
            "reply_to": [str(mailbox) for mailbox in self.reply_to],
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "headers": dict(self.headers),
            "attachments": [attachment.as_json() for attachment in self.attachments],
            "tags": list(self.tags),
            "metadata": dict(self.metadata),
            "tracking": {"opens": self.tracking.opens, "clicks": self.tracking.clicks},
        }


_HEADERS: Final = HeaderRegistry()
# The errors of the standard library's header parser on a header that it cannot read. LookupError is raised by accident.
PARSER_ERRORS: Final = (HeaderParseError, LookupError)


def read_mailboxes(text: str) -> tuple[Mailbox, ...]:
    """The mailboxes of an address list such as `Bo <bo@example.com>, cy@example.com`.

    Names are decoded (RFC 2047) and without quotes. Raises ValueError if an entry is not an address.
    """
    try:
        header = _HEADERS("to", text)
    except PARSER_ERRORS:
        raise ValueError("not an address list") from None
    if not isinstance(header, AddressHeader):
        raise TypeError("the header registry no longer reads address headers")
    found = tuple(Mailbox(address.addr_spec, address.display_name) for address in header.addresses)
    if not found or not all(is_address(mailbox.address) for mailbox in found):
        raise ValueError("not an address list")
    return found


_WORD: Final = r"=\?[^?\s]{1,75}\?[bq]\?[^?\s]*\?="
_WORDS: Final = re.compile(rf"(?<!\S){_WORD}(?:\s+{_WORD})*(?!\S)", re.IGNORECASE)


def read_words(text: str) -> str:
    """The text as a recipient sees it: with its encoded words decoded, which stand alone (RFC 2047 §5)."""
    return _WORDS.sub(lambda found: _decoded(found.group()), text)


def _decoded(words: str) -> str:
    try:
        return str(make_header(decode_header(words)))
    except (HeaderParseError, LookupError, UnicodeError):
        return words  # as a mail program shows what it cannot decode


def is_address(address: object) -> bool:
    """Whether this has the form of an address, as strictly as providers check it when they receive a call."""
    if not isinstance(address, str) or any(character.isspace() for character in address):
        return False
    local, at, domain = address.rpartition("@")
    return bool(local and at) and "." in domain.strip(".") and ".." not in domain
