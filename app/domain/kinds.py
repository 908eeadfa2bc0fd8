"""What can be known of one copy of an email: the outcome of our call, and what the provider's webhooks say later."""

from enum import StrEnum
from typing import Final, Literal


class Kind(StrEnum):
    """Outcomes of a call, then kinds of webhook event. `accepted` is both: the provider took the email."""

    ACCEPTED = "accepted"
    # Outcomes: what we know when the call is over.
    UNAVAILABLE = "unavailable"  # surely not sent: the provider or our account there is at fault
    THROTTLED = "throttled"  # surely not sent: too fast or over quota
    REFUSED = "refused"  # surely not sent: this provider will not carry this email
    UNDELIVERABLE = "undeliverable"  # surely not sent: the recipient is at fault, anywhere
    UNCERTAIN = "uncertain"  # may have been sent
    # Events: what the provider reports later.
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    DEAD = "dead"  # evidence that the mailbox does not exist
    BOUNCED = "bounced"  # returned for any other reason, or for none
    BLOCKED = "blocked"  # policy, reputation, spam verdict
    DROPPED = "dropped"  # the provider never tried, for a reason that is not the recipient's
    SUPPRESSED = "suppressed"  # on the provider's own suppression list
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    ENGAGED = "engaged"  # open or click: proof of delivery
    UNKNOWN = "unknown"  # kept as history


OutcomeKind = Literal[
    Kind.ACCEPTED,
    Kind.UNAVAILABLE,
    Kind.THROTTLED,
    Kind.REFUSED,
    Kind.UNDELIVERABLE,
    Kind.UNCERTAIN,
]
EventKind = Literal[
    Kind.ACCEPTED,
    Kind.DEFERRED,
    Kind.DELIVERED,
    Kind.DEAD,
    Kind.BOUNCED,
    Kind.BLOCKED,
    Kind.DROPPED,
    Kind.SUPPRESSED,
    Kind.COMPLAINED,
    Kind.UNSUBSCRIBED,
    Kind.ENGAGED,
    Kind.UNKNOWN,
]
PASSING: Final = frozenset({Kind.UNAVAILABLE, Kind.THROTTLED})  # worth asking the same provider again later


class Cause(StrEnum):
    """Why something failed, and so who is held to account for it."""

    RECIPIENT = "recipient"
    MESSAGE = "message"
    POLICY = "policy"
    ACCOUNT = "account"
    THROTTLE = "throttle"
    OUTAGE = "outage"
    UNKNOWN = "unknown"
