"""The host's words, made ready for whole-word patterns: names taken out, one alphabet, one space between words.

Every expression here and in the pattern modules is linear: no repetition contains another one that could match the same
text, and what stands between two words is bounded.
"""

import re
import unicodedata
from typing import Final

ADDRESS, HOST = "@", "%"  # what stands in the words where an address or a host name was
LONGEST = 16_000  # characters that are read; a reply line has 512 (RFC 5321 §4.5.3.1.5), a report quotes a few of them

_PLAIN: Final = str.maketrans({"ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "ı": "i", "æ": "ae"})
_APOSTROPHES: Final = str.maketrans("’‘`´", "''''")
_SOFT_BREAK: Final = re.compile(r"=\r?\n")
_URL: Final = re.compile(r"\b(?:https?|ftp)://\S*|\bmailto:\S*|\bwww\.\S*", re.IGNORECASE)
_QUOTED_LOCAL_PART: Final = re.compile(r'"[^"\n]{1,64}"@')
_BRACKETED: Final = re.compile(r"<([^<>\s]{0,254})>")
_QUOTED: Final = re.compile(r"""(?<!\w)(["'])[^"'\s]{1,64}\1(?!\w)""")
_TOKEN: Final = re.compile(r"""[^\s<>()\[\]{},;:"'!?|]+""")
_TAG: Final = re.compile(r"/?[a-z]{1,4}[1-6]?/?", re.IGNORECASE)
_REPLY_PREFIX: Final = re.compile(r"[245]\d\d-")
_DOTTED: Final = re.compile(r"[\w-]\.[\w-]")
_MISSING_SPACE: Final = re.compile(r"[a-z]+\.[A-Z][a-z]+")  # "rejected.Please" is no host
_ID: Final = re.compile(r"(?=[^-]*-)(?=\D*\d)[\w=-]+")  # "mx-spam-7": a name, not words
_SENTENCE: Final = re.compile(r"[.;!?。！？]+")
_NOT_A_WORD: Final = re.compile(rf"[^\w'.{ADDRESS}{HOST}]+")


def fold(text: str) -> str:
    """Lower case without accents, so that "Empfänger" and "empfanger" are one word."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_PLAIN).translate(_APOSTROPHES).casefold())
    return unicodedata.normalize("NFC", "".join(char for char in decomposed if unicodedata.category(char) != "Mn"))


def without_addresses(text: str) -> str:
    """The text without email addresses, in which a receiver's tokens are looked for. URLs stay, they carry some."""
    text = _QUOTED_LOCAL_PART.sub(f" {ADDRESS}", _SOFT_BREAK.sub("", text[:LONGEST]))
    return _TOKEN.sub(lambda found: ADDRESS if ADDRESS in found.group() else found.group(), text)


def flatten(text: str) -> str:
    """The words alone, between single spaces, with " . " between sentences.

    An address is `@`, a host name `%`. Numbers, codes, IP addresses and URLs are gone.
    """
    text = _SOFT_BREAK.sub("", text[:LONGEST]).translate(_APOSTROPHES).replace("_", " ")
    text = _BRACKETED.sub(_bracketed, _QUOTED_LOCAL_PART.sub(f" {ADDRESS}", _URL.sub(" ", text)))
    words = _NOT_A_WORD.sub(" ", _SENTENCE.sub(" . ", fold(_TOKEN.sub(_word, _QUOTED.sub(f" {ADDRESS} ", text)))))
    kept = (word.strip("'") for word in words.split())
    return f" {' '.join(word for word in kept if word and not word.isdigit())} "


def _bracketed(found: re.Match[str]) -> str:
    return " . " if _TAG.fullmatch(found.group(1)) else f" {ADDRESS} "


def _word(found: re.Match[str]) -> str:
    token = found.group()
    if ADDRESS in token:
        return f" {ADDRESS} "
    prefix = _REPLY_PREFIX.match(token)
    bare = token[prefix.end() :] if prefix else token
    end = " . " if bare.endswith(".") else ""
    name = bare.strip(".").replace(HOST, " ")
    if _MISSING_SPACE.fullmatch(name):
        return f"{name.replace('.', ' . ')}{end}"
    if _DOTTED.search(name):
        return f" {HOST} {end}" if any(char.isalpha() for char in name) else f" {end}"
    if _ID.fullmatch(name):
        return f" {end}"
    return f"{name}{end}"
