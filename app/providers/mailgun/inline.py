"""Inline files at Mailgun, which takes a file's name for its content id ("Sending Inline Images", read 2026-11-25).

The file goes under its own name, because some hosts refuse a name like `logo@mail.example.com`, and the HTML refers to
that name.
"""

import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Final
from urllib.parse import unquote

from app.domain.email import Attachment

# A quote as a style attribute holds it: programs that write HTML make url("cid:logo") into url(&quot;cid:logo&quot;).
_QUOTE: Final = r"&(?:quot|apos|#0*(?:34|39)|#x0*(?:22|27));"
# A `cid:` URL where HTML or CSS may have one: after a quote, an equals sign, a bracket or, in a srcset, a comma.
_URL: Final = re.compile(
    rf"(?P<before>(?:[\"'(=,]|{_QUOTE})\s*)cid:(?P<id>(?:(?!{_QUOTE})[^\"'\s<>),])+)", re.IGNORECASE
)
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")  # what a content id (RFC 5322) or a URL cannot have as it is


def names(files: Sequence[Attachment]) -> dict[str, str]:
    """The name under which each inline file goes, by its content id: its own, made safe, and unlike any other's."""
    found: dict[str, str] = {}
    for file in files:
        if file.content_id:
            found[file.content_id] = _unused(*_safe(file.filename), set(found.values()))
    return found


def rewritten(html: str, named: Mapping[str, str]) -> str:
    """The HTML with the `cid:` URLs of our files under the names in `named`. Other URLs stay as they are."""

    def renamed(url: re.Match[str]) -> str:
        name = named.get(url["id"]) or named.get(unquote(unescape(url["id"])))
        return f"{url['before']}cid:{name}" if name else url[0]

    return _URL.sub(renamed, html) if named else html


def _safe(filename: str) -> tuple[str, str]:
    """What stands before the extension, and the extension with its dot."""
    stem, dot, extension = filename.rpartition(".") if "." in filename else (filename, "", "")
    return _UNSAFE.sub("-", stem).strip("-") or "file", dot + _UNSAFE.sub("-", extension)


def _unused(stem: str, extension: str, used: set[str]) -> str:
    """The name, with a number before its extension if another inline file has it."""
    numbered = (f"{stem}-{number}{extension}" for number in range(2, len(used) + 3))
    return next(one for one in (stem + extension, *numbered) if one not in used)
