"""Decides what a bounce proves about the recipient, by one rule for all providers."""

import re
from typing import Final

# RFC 3463 §3.2 and RFC 7505 §4.2 (5.1.10): the address or its domain takes no mail from anybody.
DEAD: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
# RFC 3463's "other or undefined" statuses prove nothing, so the words beside them decide.
UNSPECIFIC: Final = frozenset({"5.0.0", "5.1.0"})

_ENHANCED: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_TEMPORARY: Final = re.compile(r"\s*4\d\d\b")
_UNKNOWN_USER: Final = re.compile(
    r"\b(user|recipient|mailbox|addressee) (is )?unknown\b"
    r"|\b(unknown|no such|invalid) (local )?(user|recipient|mailbox|addressee)\b"
    r"|\b(user|recipient|mailbox) (not found|does not exist|doesn't exist)\b",
    re.IGNORECASE,
)
_SENDER: Final = re.compile(r"\b(sender|mail from|from address)\b", re.IGNORECASE)


def is_dead(status: str, text: str) -> bool:
    """Whether a failure proves that the mailbox does not exist, so that no other provider should try it.

    `status` is the enhanced status as the provider reports it ("" if it does not), `text` the words of the host.
    A specific status decides alone, or else a specific one inside the text. Without either, phrases such as "unknown
    user" decide. In doubt the answer is no: one more attempt costs less than an email that nobody gets.
    """
    code = enhanced(status, text)
    if code and code not in UNSPECIFIC:
        return code in DEAD
    if _TEMPORARY.match(status) or _TEMPORARY.match(text):
        return False
    # "Sender address rejected: User unknown" is about the sender, not about the recipient.
    return bool(_UNKNOWN_USER.search(text)) and not _SENDER.search(text)


def is_policy(status: str, text: str) -> bool:
    """Whether the host refused for policy or security: enhanced status 5.7.x (RFC 3463 §3.8)."""
    return enhanced(status, text).startswith("5.7.")


def enhanced(status: str, text: str) -> str:
    """The enhanced status: `status` if it is one, else the first one inside `text`, else ""."""
    found = _ENHANCED.fullmatch(status.strip()) or _ENHANCED.search(text)
    return found.group(0) if found else ""
