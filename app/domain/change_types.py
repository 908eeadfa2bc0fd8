"""What an application is told, by name, and which of it a recipient's two statuses or a provider's report amount to.

Both tables are total. A recipient that is `sending` counts as `queued`: a call is told by what it comes to.
"""

from collections.abc import Mapping
from enum import StrEnum
from itertools import product
from types import MappingProxyType
from typing import Final

from app.domain.head import Status
from app.domain.kinds import Kind


class ChangeType(StrEnum):
    """What became of a recipient. The first ten are statuses; the others change none."""

    SCHEDULED = "email.scheduled"
    QUEUED = "email.queued"
    SENT = "email.sent"
    DELIVERED = "email.delivered"
    BOUNCED = "email.bounced"
    COMPLAINED = "email.complained"
    SUPPRESSED = "email.suppressed"
    FAILED = "email.failed"
    EXPIRED = "email.expired"
    CANCELED = "email.canceled"
    FAILED_OVER = "email.failed_over"  # a call begins, through another account than the last one
    DELAYED = "email.delayed"
    BLOCKED = "email.blocked"
    OPENED = "email.opened"
    CLICKED = "email.clicked"
    UNSUBSCRIBED = "email.unsubscribed"


# The status that each of the first ten leaves a recipient in, by its word.
WORDS: Final[Mapping[ChangeType, str]] = MappingProxyType(
    {change: change.removeprefix("email.") for change in list(ChangeType)[:10]}
)
_BY_WORD: Final = {word: change for change, word in WORDS.items()}

# From these, no provider is known to have the email. What follows them proves that one took it first.
_NOT_TAKEN: Final = (None, "scheduled", "queued", "suppressed", "failed", "expired", "canceled")


def word_of(status: Status) -> str:
    """The status as it is told."""
    return "queued" if status is Status.SENDING else status.value


def _row(was: Status | None, now: Status) -> tuple[ChangeType, ...]:
    before, after = None if was is None else word_of(was), word_of(now)
    if before == after:
        return ()
    passed: tuple[ChangeType, ...] = ()
    if after in ("delivered", "complained") and before in _NOT_TAKEN:
        passed = (ChangeType.SENT,)
    if after == "complained" and before != "delivered":
        passed = (*passed, ChangeType.DELIVERED)  # somebody who complains has got the email
    return (*passed, _BY_WORD[after])


STATUS_CHANGES: Final[Mapping[tuple[Status | None, Status], tuple[ChangeType, ...]]] = MappingProxyType(
    {(was, now): _row(was, now) for was, now in product((None, *Status), Status)}
)
"""What is told of a recipient by its status before a write (None: there was no email) and after it, in this order."""

REPORTS: Final[Mapping[Kind, ChangeType | None]] = MappingProxyType(
    {
        Kind.DELAYED: ChangeType.DELAYED,
        Kind.BLOCKED: ChangeType.BLOCKED,
        Kind.OPENED: ChangeType.OPENED,
        Kind.CLICKED: ChangeType.CLICKED,
        Kind.UNSUBSCRIBED: ChangeType.UNSUBSCRIBED,
        # The head tells what becomes of the recipient by these.
        **dict.fromkeys(
            (
                Kind.ACCEPTED,
                Kind.DELIVERED,
                Kind.HARD_BOUNCE,
                Kind.MAILBOX_CONDITION,
                Kind.SOFT_BOUNCE,
                Kind.DROPPED,
                Kind.VIRUS,
                Kind.SUPPRESSED,
                Kind.COMPLAINED,
            )
        ),
        Kind.RESUBSCRIBED: None,  # about the address, and not about this email
        Kind.UNKNOWN: None,
    }
)
"""What is told of a provider's event for its own sake, whatever it does to the head. None: nothing."""
