"""One row of the table."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from app.providers.sdk.bounces.features import Features
from app.providers.sdk.bounces.pattern import Pattern
from app.providers.sdk.bounces.report import Label, Proven

Patterns = tuple[Pattern, ...]


class Priority(IntEnum):
    """Which kind of feature a rule looks at. The rules of the lowest number are asked first."""

    ACTION = 1
    LABEL = 2
    TOKEN = 3
    ABOUT_US = 4
    MAILBOX = 5
    UNKNOWN_RECIPIENT = 6
    ENHANCED_CODE = 7
    BASIC_CODE = 8


TITLES: Final = {
    Priority.ACTION: "Is it a failure at all",
    Priority.LABEL: "The provider's own label",
    Priority.TOKEN: "A receiver's token",
    Priority.ABOUT_US: "Words about us",
    Priority.MAILBOX: "Words about the mailbox's condition",
    Priority.UNKNOWN_RECIPIENT: 'Words that say "unknown recipient"',
    Priority.ENHANCED_CODE: "The enhanced code",
    Priority.BASIC_CODE: "The SMTP code, or a label that says nothing else",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is proven if every condition holds that the row has; None: the row has no such condition.

    `says` tells a postmaster when it applies, and `source` where that is known from. A pattern of `tokens` is looked
    for in the text without addresses, one of `words` in the flattened words, `codes` and `replies` must be the whole of
    some enhanced or basic code. `beside` is a further enhanced code that must be there. `unless` is a code that must
    not.
    """

    name: str
    priority: Priority
    proves: Proven
    says: str
    source: str
    action: Callable[[str], bool] | None = None
    labels: frozenset[Label] | None = None
    tokens: Pattern | None = None
    words: Patterns | None = None
    codes: re.Pattern[str] | None = None
    beside: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    replies: re.Pattern[str] | None = None
    temporary: bool | None = None
    final: bool | None = None
    fails: bool | None = None
    succeeds: bool | None = None

    def applies(self, features: Features) -> bool:
        """Whether this row decides."""
        return (
            (self.temporary is None or self.temporary is features.temporary)
            and (self.final is None or self.final is features.final)
            and (self.fails is None or self.fails is features.fails)
            and (self.succeeds is None or self.succeeds is features.succeeds)
            and (self.action is None or self.action(features.action))
            and (self.labels is None or features.label in self.labels)
            and (self.codes is None or _some(self.codes, features.codes))
            and (self.beside is None or _some(self.beside, features.codes))
            and (self.unless is None or not _some(self.unless, features.codes))
            and (self.replies is None or _some(self.replies, features.replies))
            and (self.tokens is None or self.tokens.search(features.raw))
            and (self.words is None or any(pattern.search(features.words) for pattern in self.words))
        )


def _some(pattern: re.Pattern[str], codes: Iterable[str]) -> bool:
    return any(pattern.fullmatch(code) for code in codes)
