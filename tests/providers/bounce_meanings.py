"""The kinds and causes that a failure report of any provider can amount to."""

from app.domain.kinds import Cause, Kind
from app.providers.sdk.bounces import EventMeaning

DEAD: EventMeaning = (Kind.HARD_BOUNCE, Cause.RECIPIENT)
MAILBOX: EventMeaning = (Kind.MAILBOX_CONDITION, Cause.MAILBOX)
BLOCKED: EventMeaning = (Kind.BLOCKED, Cause.POLICY)
SOFT: EventMeaning = (Kind.SOFT_BOUNCE, Cause.UNKNOWN)
LISTED: EventMeaning = (Kind.SUPPRESSED, Cause.RECIPIENT)
DELAYED: EventMeaning = (Kind.DELAYED, None)
NO_FAILURE: EventMeaning = (Kind.UNKNOWN, None)
