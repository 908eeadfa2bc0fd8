"""Words in which a provider itself says that an email contains a virus.

Few providers have an event or a reason for it (their event references, read 2026-11-29), so the words of their own
verdicts decide: a drop, a rejection, a failure before any host was asked. What a host says about viruses is not looked
at here, because another provider may get the same email through.
"""

import re
from typing import Final

_NAME: Final = r"(?:virus(?:es)?|malware|trojan)"
_FOUND: Final = re.compile(
    rf"\b{_NAME}\b[\w\s,:'\"()-]{{0,40}}\b(?:found|detected|identified)\b"
    rf"|\b(?:found|detected|contain(?:s|ed|ing)?|carr(?:y|ies|ied)|infected)\b[\w\s,:'\"()-]{{0,40}}\b{_NAME}\b"
    r"|\b(?:is|was|file|attachment|message|email) infected\b",
    re.IGNORECASE,
)
_DENIED: Final = re.compile(rf"\b(?:no|not|without)\b[\w\s]{{0,20}}\b{_NAME}\b", re.IGNORECASE)


def is_found(words: str) -> bool:
    """Whether these words of a provider say that it found a virus in the email."""
    return _FOUND.search(words) is not None and _DENIED.search(words) is None
