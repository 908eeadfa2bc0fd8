"""What is proven, in the terms of an event: its kind and its cause."""

from collections.abc import Mapping
from typing import Final

from app.domain.kinds import Cause, EventKind, Kind
from app.providers.sdk.bounces.report import Proven

EventMeaning = tuple[EventKind, Cause | None]

MEANINGS: Final[Mapping[Proven, EventMeaning]] = {
    Proven.NOT_A_FAILURE: (Kind.UNKNOWN, None),  # kept as history
    Proven.DELAYED: (Kind.DELAYED, None),
    Proven.SUPPRESSED: (Kind.SUPPRESSED, Cause.RECIPIENT),
    Proven.HARD_BOUNCE: (Kind.HARD_BOUNCE, Cause.RECIPIENT),
    Proven.MAILBOX_CONDITION: (Kind.MAILBOX_CONDITION, Cause.MAILBOX),
    Proven.BLOCKED: (Kind.BLOCKED, Cause.POLICY),
    Proven.SOFT_BOUNCE: (Kind.SOFT_BOUNCE, Cause.UNKNOWN),
    Proven.UNKNOWN: (Kind.UNKNOWN, None),
}
