"""Header fields that a client may set: what a value may be, so that every provider carries it as it was meant.

A *structured* field is read by machines: message ids, URLs, addresses, tokens. An encoded word (RFC 2047) in it would
be taken literally, so it has to be ASCII, and it can be made shorter only by folding it at its spaces. Text is encoded
only where a person reads it: in the phrase before an address in angle brackets. An *unstructured* field is text for
people and may be encoded anywhere.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

LINE_LIMIT: Final = 998  # RFC 5322 §2.1.1, without the line break
# The longest run without a space. On a line of its own it has a space before it, and one byte is left over.
TOKEN_LIMIT: Final = 996
UNSTRUCTURED_LIMIT: Final = 998
STRUCTURED_LIMIT: Final = 8000  # a hundred usual message ids

# The fields with a grammar of their own in the RFC that is named (RFC 4021 and IANA's registry of message headers list
# them all; read 2026-11-28). Those of List-* are matched by their prefix: RFC 2369, 2919 and 8058.
STRUCTURED: Final = frozenset(
    {
        *("references", "in-reply-to", "message-id", "from", "to", "cc", "bcc", "sender", "reply-to", "date"),  # 5322
        *("auto-submitted", "archived-at", "require-recipient-valid-since", "mt-priority"),  # 3834, 5064, 7293, 6758
        *("disposition-notification-to", "disposition-notification-options", "original-recipient"),  # 8098
        *("obsoletes", "supersedes", "original-message-id", "expires", "reply-by", "expiry-date"),  # 2156, 5536, 9228
        *("importance", "priority", "sensitivity", "deferred-delivery", "autocrypt", "tls-required"),  # 2156, 8689
        *("return-receipt-to", "errors-to", "precedence"),  # in no RFC, but read by machines
    }
)
STRUCTURED_PREFIX: Final = "list-"
# An address or URL in angle brackets, a separator, or a run of words and quoted strings. None of it is ever read twice,
# so that a long value takes no long time.
_PART: Final = re.compile(r'<[^<>]*>|[,;]|(?:"(?:[^"\\]|\\.)*+"?|[^"<>,;])++|.', re.DOTALL)


def is_structured(name: str) -> bool:
    """Whether the field of this name, in whatever case, has a grammar that machines read."""
    lower = name.lower()
    return lower in STRUCTURED or lower.startswith(STRUCTURED_PREFIX)


def parts(value: str) -> Iterator[tuple[str, bool]]:
    """The parts of a structured value, and of each whether it is a phrase: what stands right before a `<…>`."""
    found = _PART.findall(value)
    for part, following in pairwise([*found, ""]):
        yield part, part[0] not in "<>,;" and following.startswith("<") and following.endswith(">")


def fault(name: str, value: str) -> str:
    """Why no email can carry this value in the field `name`, or "" if it can. Control characters are not looked at."""
    if not is_structured(name):
        return f"must have at most {UNSTRUCTURED_LIMIT} characters" if len(value) > UNSTRUCTURED_LIMIT else ""
    if len(value) > STRUCTURED_LIMIT:
        return f"must have at most {STRUCTURED_LIMIT} characters"
    literal = "".join("" if is_phrase and not part.isascii() else part for part, is_phrase in parts(value))
    if not literal.isascii():
        return "must be ASCII, except in a name before <…>: programs read this header, and they read no encoded text"
    longest = max(map(len, literal.split()), default=0)
    if longest > TOKEN_LIMIT:
        return f"has {longest} characters without a space; a line of an email takes {TOKEN_LIMIT} at most"
    return ""
