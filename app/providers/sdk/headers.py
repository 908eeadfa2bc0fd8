"""Header fields as a provider's call carries them: in ASCII, and folded where the product writes the lines itself.

`app.domain.headers` says which fields are structured. In those ASCII is never encoded, because programs read them. In
any other, text that is not ASCII becomes encoded words (RFC 2047), and so does ASCII that looks like an encoded word,
as it is meant literally.
"""

import re
from email.header import Header
from typing import Final

from app.domain.headers import LINE_LIMIT, fault, is_structured, parts
from app.providers.sdk.refusal import Unsendable

_CRLF: Final = "\r\n"
_FOLDED_AT: Final = 78  # RFC 5322 §2.1.1: what a line should not exceed, if it can be shorter
# Characters that some software takes for the end of a line: C0, DEL, C1 and the separators of str.splitlines.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_WORD: Final = re.compile(r" *[^ ]+")  # a word with the spaces before it


def clean(value: str) -> str:
    """The value with a space for every character that could end a line."""
    return _CONTROL.sub(" ", value).strip()


def is_verbatim(text: str) -> bool:
    """Whether text for people can be written as it is."""
    return text.isascii() and "=?" not in text


def literal(text: str) -> str:
    """A subject or a name for a provider that encodes by itself what is not ASCII.

    Text that looks like an encoded word is encoded here, because the provider would let it pass as one.
    """
    return Header(text, "utf-8").encode(linesep="") if "=?" in text else text


def in_ascii(name: str, value: str) -> str:
    """The value of the field `name` in ASCII and on one line, for a provider that folds the lines itself.

    Raises Unsendable for a structured field that cannot be written in ASCII, or has a word that no line can hold.
    """
    value = clean(value)
    if is_structured(name):
        return _structured(name, value)
    return value if is_verbatim(value) else Header(value, "utf-8").encode(linesep="")


def lines(name: str, value: str) -> str:
    """`name: value` in ASCII, in lines of at most LINE_LIMIT with CRLF between them. Raises what `in_ascii` raises.

    A field that fits is one line, and a longer one is folded at its spaces. If it has too long a word, an unstructured
    one is encoded.
    """
    value = clean(value)
    if is_structured(name):
        return _fold(name, _structured(name, value))
    folded = _fold(name, value) if is_verbatim(value) else ""
    # Many parsers take the fold before the first word for a space of the text.
    if folded and not folded.startswith(f"{name}:{_CRLF}") and max(map(len, folded.split(_CRLF))) <= LINE_LIMIT:
        return folded
    return f"{name}: {Header(value, 'utf-8', header_name=name).encode(linesep=_CRLF)}"


def _structured(name: str, value: str) -> str:
    if problem := fault(name, value):
        raise Unsendable(f"header {name}: {problem}")
    written = (_phrase(part) if is_phrase and not part.isascii() else part for part, is_phrase in parts(value))
    return re.sub(" +", " ", "".join(written)).strip()  # a run of spaces means no more here than one, and fits any line


def _phrase(text: str) -> str:
    """A phrase as encoded words. The quotes around its words are not part of them."""
    unquoted = re.sub(r'\\(.)|"', r"\1", text).strip()
    return f" {Header(unquoted, 'utf-8').encode(linesep='')} "


def _fold(name: str, value: str) -> str:
    """The field on one line if that fits, else folded: a line break before the spaces between two words."""
    line = f"{name}:"
    folded: list[str] = []
    if len(line) + 1 + len(value) <= LINE_LIMIT:
        return f"{line} {value}"
    for word in _WORD.findall(f" {value}"):
        # The first word stays beside the name if it can, because some programs do not expect an empty first line.
        limit = LINE_LIMIT if not folded and line == f"{name}:" else _FOLDED_AT
        if len(line) + len(word) > limit:
            folded.append(line)
            line = ""
        line += word
    return _CRLF.join([*folded, line])
