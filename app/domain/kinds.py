"""What can be known of one copy of an email: the outcome of our call, and what the provider's webhooks say later."""

from enum import StrEnum
from typing import Final, Literal


class Kind(StrEnum):
    """Outcomes of a call, then kinds of webhook event. `accepted` is both: the provider took the email."""

    ACCEPTED = "accepted"
    # Outcomes: what we know when the call is over.
    UNAVAILABLE = "unavailable"  # surely not sent: the provider or our account there is at fault
    THROTTLED = "throttled"  # surely not sent: we sent too fast, or are over a quota
    REFUSED = "refused"  # surely not sent: this provider will not carry this email
    UNDELIVERABLE = "undeliverable"  # surely not sent: the recipient is at fault, at every provider
    UNCERTAIN = "uncertain"  # may have been sent
    # Events: what the provider reports later.
    DELAYED = "delayed"  # the provider has the email and goes on trying
    DELIVERED = "delivered"
    HARD_BOUNCE = "hard_bounce"  # evidence that the mailbox does not exist
    MAILBOX_CONDITION = "mailbox_condition"  # full or disabled, or the email is too large for it: so at any provider
    SOFT_BOUNCE = "soft_bounce"  # returned for any other reason, or for none
    BLOCKED = "blocked"  # policy, reputation, spam verdict
    DROPPED = "dropped"  # the provider never tried, for a reason that is not the recipient's
    VIRUS = "virus"  # the provider itself found a virus in the email and never tried: so it is at any provider
    SUPPRESSED = "suppressed"  # on the provider's own suppression list
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"  # from everything, or from the scope that the event names
    RESUBSCRIBED = "resubscribed"  # takes an unsubscribe back
    OPENED = "opened"  # proves that the provider has the email, and no delivery: a gateway may look before it decides
    CLICKED = "clicked"  # proves the same, because gateways follow links
    UNKNOWN = "unknown"  # of no kind that we know, or one that says nothing of the delivery; kept as history


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
    Kind.DELAYED,
    Kind.DELIVERED,
    Kind.HARD_BOUNCE,
    Kind.MAILBOX_CONDITION,
    Kind.SOFT_BOUNCE,
    Kind.BLOCKED,
    Kind.DROPPED,
    Kind.VIRUS,
    Kind.SUPPRESSED,
    Kind.COMPLAINED,
    Kind.UNSUBSCRIBED,
    Kind.RESUBSCRIBED,
    Kind.OPENED,
    Kind.CLICKED,
    Kind.UNKNOWN,
]
SURELY_NOT_SENT: Final = frozenset({Kind.UNAVAILABLE, Kind.THROTTLED, Kind.REFUSED, Kind.UNDELIVERABLE})
TRANSIENT: Final = frozenset({Kind.UNAVAILABLE, Kind.THROTTLED})  # the same provider may be called again later


class Cause(StrEnum):
    """Why something failed: what or who was at fault."""

    RECIPIENT = "recipient"
    MAILBOX = "mailbox"
    MESSAGE = "message"
    POLICY = "policy"
    ACCOUNT = "account"
    THROTTLE = "throttle"
    OUTAGE = "outage"
    LIMIT = "limit"  # a cap or a pause of ours, or the account's own quota of a day or month is used up
    CONTENT = "content"  # the stored content of the email is gone or damaged
    UNKNOWN = "unknown"


# Causes of a drop that speak of our account at the provider, and not of the email or its recipient.
OF_OURS: Final = frozenset({Cause.ACCOUNT, Cause.THROTTLE, Cause.LIMIT})
