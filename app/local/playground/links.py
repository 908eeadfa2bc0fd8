"""Where the links of an email lead. The page lists them, because a click on them in the email itself does nothing."""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Final

MOST: Final = 100

# Tags and comments as a browser finds them (HTML Standard, tokenization; read 2026-11-29): a quoted value may have any
# character, and a slash parts attributes as a space does. Tags within a script or a style are taken for tags, which
# lists a link too many at worst. No part is ever read twice, so that the time grows with the length only; the standard
# library's parser takes minutes for some emails.
_SPACE: Final = r"[ \t\n\r\f]"
_ATTRIBUTE: Final = (
    rf"(?:{_SPACE}|/)*+([^ \t\n\r\f/>][^ \t\n\r\f/>=]*+)"
    rf"""(?:{_SPACE}*+={_SPACE}*+(?:"([^"]*+)"|'([^']*+)'|([^ \t\n\r\f>"'][^ \t\n\r\f>]*+))?+)?+"""
)
_COMMENT: Final = r"<!--(?:-?>|(?s:.*?)(?:--!?>|\Z))"
_UNNAMED: Final = re.sub(r"\((?!\?)", "(?:", _ATTRIBUTE)
_TAG: Final = re.compile(rf"{_COMMENT}|<([a-z][^ \t\n\r\f/>]*+)((?:{_UNNAMED})*+)", re.IGNORECASE | re.ASCII)
_ATTRIBUTES: Final = re.compile(_ATTRIBUTE)

_LINKS: Final = frozenset({"a", "area"})
_HREFS: Final = ("href", "xlink:href")
_ANIMATIONS: Final = frozenset({"set", "animate"})  # SVG: they give the link that they are in another address


def links(html: str) -> tuple[str, ...]:
    """Where the links of the HTML lead, without repetition, MOST at most."""
    return tuple(dict.fromkeys(each for each in _found(html) if each))[:MOST]


def is_web(link: str) -> bool:
    """Whether a link may be shown as one: it leads to a page, and to no script."""
    return link.lower().startswith(("https://", "http://"))


def _found(html: str) -> Iterator[str]:
    for tag in _TAG.finditer(html):
        name = (tag[1] or "").lower()
        if name in _LINKS:
            attributes = _attributes(tag[2])
            yield from (attributes.get(each, "").strip() for each in _HREFS)
        elif name in _ANIMATIONS:
            attributes = _attributes(tag[2])
            if attributes.get("attributename") in _HREFS:
                yield from (attributes.get(each, "").strip() for each in ("from", "to"))
                yield from (each.strip() for each in attributes.get("values", "").split(";"))


def _attributes(text: str) -> Mapping[str, str]:
    """The attributes of a tag by their names in lower case. Of several with one name, the first counts."""
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTES.findall(text):
        found.setdefault(name.lower(), unescape(double or single or bare))
    return found
