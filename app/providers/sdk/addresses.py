"""Reads addresses as providers and mail hosts write them in reports."""

import re
from typing import Final

from app.domain.address import address_key
from app.providers.sdk import payload

# RFC 3464 §2.3.1: a recipient field begins with the type of its address.
_TYPE: Final = re.compile(r"\s*(?:rfc822|utf-?8)\s*;", re.IGNORECASE)
_SCHEME: Final = re.compile(r"(?:mailto|smtp):", re.IGNORECASE)  # RFC 6068; and the type before Exchange's addresses
_COMMENT: Final = re.compile(r"\s\([^()]*\)$")  # RFC 5322 §3.2.2, as old programs write a name: "ann@x.example (Ann)"
_QUOTES: Final = "\"'"
_LONGEST: Final = 320  # RFC 5321 §4.5.3.1: 64 characters, the @, 255 more


def address(value: object) -> str:
    """The bare address in `value`, in the form in which addresses are compared.

    "" if there is none, or one longer than any address can be.

    A display name, a comment, angle brackets, quotes around the whole, the type `rfc822;`, the scheme `mailto:` and a
    dot, comma or semicolon at the end are taken away. The quotes of a local part stay.
    """
    text = _COMMENT.sub("", _TYPE.sub("", payload.text(value), count=1).strip().rstrip(".,; "))
    if text.endswith(">"):
        text = text.rpartition("<")[2].rstrip(">")
    text = _SCHEME.sub("", _unquoted(text.strip()).strip(" <>"), count=1).rstrip(".")
    key = address_key(text) if len(text) <= _LONGEST else ""
    return key if len(key) <= _LONGEST else ""


def _unquoted(text: str) -> str:
    for quote in _QUOTES:
        if len(text) > 1 and text[0] == quote == text[-1]:
            return text[1:-1]
    return text
