"""An email as MIME bytes (RFC 5322, 2045 to 2047, 2231), for the providers that take it raw.

    multipart/mixed                  with attachments
    ├── multipart/related            with inline attachments: an HTML body shows them by `cid:`
    │   ├── multipart/alternative    with both text and html
    │   └── image …
    └── attachment …

The standard library makes the parts. The header lines are written by `headers`, because the library folds unstructured
headers by encoding long words, and no client reads a List-Unsubscribe that is encoded.

There is no Date header, because the provider writes it when it takes the email. There is never a Bcc header.
"""

import re
from collections.abc import Iterable
from email import policy
from email.header import Header
from email.message import MIMEPart

import idna

from app.domain.email import Attachment, Content, Mailbox, Message
from app.providers.sdk import headers
from app.providers.sdk.refusal import Unsendable

_CRLF = "\r\n"
# 7bit, because a provider may ask senders to encode everything else. The lines of the parts stay below 78 characters.
_POLICY = policy.SMTP.clone(cte_type="7bit")
_ATOMS = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+")
_HEADER_NAME = re.compile(r"[!-9;-~]{1,126}")
_MEDIA_TYPE = re.compile(r"(?!multipart/|message/)([A-Za-z0-9!#$&^_.+-]+)/([A-Za-z0-9!#$&^_.+-]+)")
_PARAMETER = re.compile(r";\s*([A-Za-z0-9-]+)=(?:\"([^\"\\]*)\"|([^\s\";]+))")
_CONTENT_ID = re.compile(r"[!-~]+")
# Headers that are written here.
_OURS = frozenset({"from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "mime-version", "sender"})
_OURS_PREFIX = "content-"


def render(message: Message) -> bytes:
    """The whole email in ASCII, with CRLF and lines of at most 998. To and Cc are those of the first copy.

    Raises Unsendable for a header that is written here, and for an address that has no ASCII form.
    """
    content = message.content
    lines = [
        _addresses("From", (message.sender,)),
        _addresses("To", message.visible_to),
        _addresses("Cc", message.visible_cc),
        _addresses("Reply-To", content.reply_to),
        headers.lines("Subject", content.subject),
        headers.lines("Message-ID", message_id(message)),
        *(headers.lines(_free(name), value) for name, value in content.headers),
        "MIME-Version: 1.0",
    ]
    head = "".join(f"{line}{_CRLF}" for line in lines if line)
    # The body begins with header lines of its own, which continue these.
    return head.encode("ascii") + _body(content).as_bytes(policy=_POLICY)


def message_id(message: Message) -> str:
    """The Message-ID, which is the same for the same attempt and different for every other."""
    domain = address(message.sender.address).rpartition("@")[2]
    return f"<{message.email_id}.{message.attempt}@{domain}>"


def mailbox(box: Mailbox, fold: str = "") -> str:
    """`Name <address>` in ASCII; `fold` is put before the spaces at which a long encoded name may be folded."""
    name = headers.clean(box.name)
    if not name:
        return address(box.address)
    if headers.is_verbatim(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        shown = name if _ATOMS.fullmatch(name) else f'"{escaped}"'
    else:
        shown = Header(name, "utf-8").encode(linesep=fold)
    return f"{shown} <{address(box.address)}>"


def address(text: str) -> str:
    """The address with its domain in ASCII (IDNA). Raises Unsendable if it has no such form."""
    local, at, domain = headers.clean(text).rpartition("@")
    try:
        domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        raise Unsendable("an address has a domain that is no domain") from None
    if not local.isascii():
        raise Unsendable("an address has letters before its @ that only SMTPUTF8 could carry")
    return f"{local}{at}{domain}"


def _addresses(name: str, boxes: Iterable[Mailbox]) -> str:
    shown = f",{_CRLF} ".join(mailbox(box, fold=_CRLF) for box in boxes)
    return f"{name}: {shown}" if shown else ""


def _free(name: str) -> str:
    lower = name.lower()
    if not _HEADER_NAME.fullmatch(name) or lower in _OURS or lower.startswith(_OURS_PREFIX):
        raise Unsendable(f"header {headers.clean(name)}: cannot be set")
    return name


def _body(content: Content) -> MIMEPart:
    texts = [_text(content.html, "html")] if content.html else []
    if content.text or not texts:
        texts.insert(0, _text(content.text, "plain"))
    # Without HTML, an inline file would be lost in multipart/related. It then becomes an ordinary attachment.
    inline = [_file(item, "inline") for item in content.attachments if item.content_id and content.html]
    files = [_file(item, "attachment") for item in content.attachments if not (item.content_id and content.html)]
    return _together("mixed", [_together("related", [_together("alternative", texts), *inline]), *files])


def _together(subtype: str, parts: list[MIMEPart]) -> MIMEPart:
    if len(parts) == 1:
        return parts[0]
    whole = MIMEPart(_POLICY)
    whole["Content-Type"] = f"multipart/{subtype}"
    if subtype == "related":
        whole.set_param("type", parts[0].get_content_type())  # RFC 2387 §3.1
    for part in parts:
        whole.attach(part)
    return whole


def _text(text: str, subtype: str) -> MIMEPart:
    part = MIMEPart(_POLICY)
    part.set_content(text, subtype=subtype, charset="utf-8")
    return part


def _file(attachment: Attachment, disposition: str) -> MIMEPart:
    # multipart/* and message/* may not be base64 (RFC 2045 §6.4), so a forwarded email becomes a plain file.
    media = _MEDIA_TYPE.match(attachment.content_type)
    maintype, subtype = media.groups() if media else ("application", "octet-stream")
    given = _PARAMETER.findall(attachment.content_type, media.end()) if media else []
    content_id = _CONTENT_ID.fullmatch(attachment.content_id.strip("<>"))
    part = MIMEPart(_POLICY)
    part.set_content(
        attachment.content,
        maintype,
        subtype,
        disposition=disposition,
        filename=headers.clean(attachment.filename) or None,
        cid=f"<{content_id[0]}>" if content_id else None,
        params={name: quoted or plain for name, quoted, plain in given},
    )
    return part
