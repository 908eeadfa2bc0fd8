"""The HTML of an email as a document of its own, in which nothing runs and from which nothing leaves.

The page shows it in a frame with an empty `sandbox`: no scripts, no forms, no new windows, no navigation of the page,
and no refresh (HTML Standard, sandboxing; read 2026-11-29). The policy of the document forbids every load but that of
pictures that are within it, and says the same once more for somebody who opens the document by itself. The policy of
the page forbids the frame to go elsewhere.

A browser connects to where a link leads before it asks these policies. So the whole document is `inert`: clicks, keys
and focus reach nothing in it, and nobody needs to find the links in it as a browser would. Nothing of the email can
take that back: the element `html` is there before it, a second tag of that name adds attributes but changes none, and a
document has no element outside of it (HTML Standard, tree construction). It can be scrolled, but not copied from.
"""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any, Final
from urllib.parse import unquote

POLICY: Final = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
INLINE_BYTES: Final = 16_000_000  # of pictures put into one document, however often it names them

# A browser connects to the hosts that some of these name ahead of time, before it asks a policy (`link` and `iframe`:
# seen in Chromium on 2026-11-29). The others have no use here.
_TAKEN_OUT: Final = re.compile(
    r"<(?=(?:base|embed|fencedframe|frame|frameset|iframe|link|meta|object|portal)(?![\w-]))", re.IGNORECASE
)
_CID: Final = re.compile(r"""\bcid:([^\s"'<>)]+)""", re.IGNORECASE)
_PICTURE: Final = re.compile(r"image/[\w.+-]{1,60}")
# A doctype stays in front, so that the email is laid out by the rules that it asks for. The first `>` ends it.
_DOCTYPE: Final = re.compile(r"[ \t\n\r\f]*<!doctype[^>]*>", re.IGNORECASE | re.ASCII)
_INERT: Final = "<html inert>"


def document(message: Mapping[str, Any]) -> str:
    """The HTML, inert and with its inline pictures in it. What could lead elsewhere is taken out."""
    html = _inert(_TAKEN_OUT.sub("<no-", message["html"]))
    pictures = {
        each["content_id"].strip("<>"): f"data:{each['content_type']};base64,{each['content']}"
        for each in message["attachments"]
        if each["content_id"] and _PICTURE.fullmatch(each["content_type"])
    }
    left = INLINE_BYTES

    def put(found: re.Match[str]) -> str:
        nonlocal left
        picture = pictures.get(unquote(unescape(found[1])), "")
        if not picture or len(picture) > left:
            return found[0]
        left -= len(picture)
        return picture

    return _CID.sub(put, html) if pictures else html


def _inert(html: str) -> str:
    doctype = _DOCTYPE.match(html)
    begin = doctype.end() if doctype else 0
    return html[:begin] + _INERT + html[begin:]
