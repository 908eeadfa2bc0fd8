"""What a client asked to send, and what one provider call carries of it."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, Final

from app.domain.address import address_key
from app.domain.lane import Lane

# Display names that need no quotes: RFC 5322 atoms, spaces, dots (`Dr.`), and letters of any language.
_ATOMS = re.compile(r"[\w .!#$%&'*+/=?^`{|}~-]+")


class Role(StrEnum):
    """How a recipient is addressed."""

    TO = "to"
    CC = "cc"
    BCC = "bcc"


class OnUncertain(StrEnum):
    """What to do when a provider may or may not have sent the email."""

    WAIT = "wait"  # wait a while for a webhook, then fail over
    FAILOVER = "failover"  # fail over at once: late is worse than twice
    FAIL = "fail"  # never risk a second copy


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with its display name ("" for none)."""

    address: str
    name: str = ""

    @property
    def key(self) -> str:
        """The address in the form under which two spellings of one mailbox are the same recipient."""
        return address_key(self.address)

    def __str__(self) -> str:
        if not self.name:
            return self.address
        if _ATOMS.fullmatch(self.name):
            return f"{self.name} <{self.address}>"
        escaped = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{self.address}>'


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file. With a `content_id` it is inline: the HTML shows it by `cid:`."""

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Tracking:
    """What a provider is to find out about the recipients, and changes the HTML for. Off unless it was asked for."""

    opens: bool = False  # by a picture in the HTML
    clicks: bool = False  # by leading the links of the HTML through a host of its own

    @property
    def is_on(self) -> bool:
        """Whether anything is tracked."""
        return self.opens or self.clicks


UNTRACKED: Final = Tracking()


@dataclass(frozen=True, slots=True)
class Content:
    """All of an email that is the same for every recipient: what they see, and the tags and metadata for the provider.

    It is stored apart from the head, because it never changes.
    """

    subject: str
    text: str = ""
    html: str = ""
    reply_to: tuple[Mailbox, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    # The recipients' display names by key. They stand here because they never change; the request has them elsewhere.
    names: Mapping[str, str] = field(default_factory=dict, compare=False)

    def with_files_shown(self) -> "Content":
        """The content in which an email without HTML has no inline files: nothing would show them, nor offer them."""
        if self.html or not any(file.content_id for file in self.attachments):
            return self
        return replace(self, attachments=tuple(replace(file, content_id="") for file in self.attachments))


@dataclass(frozen=True, slots=True)
class Email:
    """A validated request: envelope, content, options. Times are epoch milliseconds."""

    sender: Mailbox
    to: tuple[Mailbox, ...]
    content: Content
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    expires_at_ms: int | None = None
    send_at_ms: int | None = None  # None, or a time that is over: at once
    providers: tuple[str, ...] = ()  # restrict to these; empty: all
    on_uncertain: OnUncertain = OnUncertain.WAIT
    collapse_key: str = ""
    critical: bool = False
    override_suppression: bool = False
    tracking: Tracking = UNTRACKED
    lane: Lane | None = None  # None: the request names none
    webhook_url: str = ""  # where what becomes of it is posted, beside the project's endpoints; "": only to those
    named_tags: tuple[str, ...] = ()  # the names of those entries of the metadata that were given as tags


@dataclass(frozen=True, slots=True)
class Message:
    """What one call to one provider carries: an email, or the part of it that some recipients still need.

    `to`, `cc` and `bcc` are who gets this copy. `visible_to` and `visible_cc` are what the headers of the first
    copy said: a provider that takes raw MIME shows those, the others can only show `to` and `cc`.
    """

    email_id: str
    attempt: int
    sender: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    bcc: tuple[Mailbox, ...]
    visible_to: tuple[Mailbox, ...]
    visible_cc: tuple[Mailbox, ...]
    content: Content
    tracking: Tracking = UNTRACKED


def fingerprint(email: Email) -> str:
    """SHA-256 (hex) of the whole normalised request: two requests with one fingerprint are the same request."""
    plain = _plain(_without_order(email))
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _without_order(email: Email) -> Email:
    """The email as every request for it is compared: sets in one order, addresses and names of headers in one spelling.

    Only attachments keep their order, in which mail programs show them.
    """
    content = email.content
    return replace(
        email,
        sender=_spelled(email.sender),
        to=_set(email.to),
        cc=_set(email.cc),
        bcc=_set(email.bcc),
        providers=tuple(sorted(email.providers)),
        named_tags=(),  # the metadata has them
        lane=None if email.lane is Lane.NORMAL else email.lane,  # to name the usual one is to name none
        content=replace(
            content,
            reply_to=_set(content.reply_to),
            headers=tuple(sorted((name.lower(), value) for name, value in content.headers)),
            tags=tuple(sorted(content.tags)),
        ),
    )


def _set(mailboxes: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
    return tuple(sorted(map(_spelled, mailboxes), key=lambda mailbox: (mailbox.address, mailbox.name)))


def _spelled(mailbox: Mailbox) -> Mailbox:
    return replace(mailbox, address=mailbox.key)


def _plain(value: object) -> Any:
    if is_dataclass(value):
        # A field at its default is left out, so that a field that a later release adds changes no fingerprint.
        values = {f.name: getattr(value, f.name) for f in fields(value)}
        return {f.name: _plain(values[f.name]) for f in fields(value) if values[f.name] != _default(f)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return base64.b85encode(hashlib.sha256(value).digest()).decode()
    return value


def _default(of: Field[Any]) -> object:
    return of.default if of.default_factory is MISSING else of.default_factory()
