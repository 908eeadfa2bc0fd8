"""The words of the playground: faults, kinds and statuses as a reader would say them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.domain.kinds import Kind
from app.domain.waiting import Waiting
from app.local.simulator.faults import Fault, WebhookFault

BREAK: Final = Fault.UNAVAILABLE  # what the one button for it sets

# The headings of the switches, and what a provider does under each fault.
FAULTS: Final[Mapping[str, Mapping[Fault, str]]] = {
    "An outage": {
        Fault.UNAVAILABLE: "answers 503",
        Fault.SERVER_ERROR: "answers 500",
        Fault.BAD_GATEWAY_HTML: "answers 502, in HTML",
        Fault.GATEWAY_TIMEOUT: "answers 504",
        Fault.REFUSE_CONNECTION: "refuses connections",
        Fault.HANG: "never answers",
        Fault.RESET_AFTER_BODY: "hangs up before it takes it",
        Fault.RESET_AFTER_ACCEPT: "takes it, then hangs up",
    },
    "A refusal": {
        Fault.UNAUTHORIZED: "refuses the key",
        Fault.FORBIDDEN: "has blocked the account",
        Fault.PAYMENT_REQUIRED: "wants to be paid",
        Fault.RATE_LIMIT: "says: too many calls",
        Fault.REFUSE_MESSAGE: "refuses the email",
    },
    "Afterwards": {
        Fault.ACCEPT_THEN_BOUNCE: "takes it, then bounces",
        Fault.ACCEPT_THEN_BOUNCE_UNEXPLAINED: "takes it, then bounces without a reason",
        Fault.ACCEPT_THEN_BLOCK: "takes it, then is blocked",
        Fault.ACCEPT_THEN_SILENCE: "takes it, then is silent",
    },
}
WEBHOOKS: Final[Mapping[WebhookFault, str]] = {
    WebhookFault.DUPLICATE: "come twice",
    WebhookFault.LATE: "come 5 s late",
    WebhookFault.REORDER: "come in the wrong order",
    WebhookFault.BAD_SIGNATURE: "have a wrong signature",
    WebhookFault.OFF: "never come",
}
LATENCIES: Final[Mapping[int, str]] = {500: "takes 0.5 s", 3_000: "takes 3 s"}

# What a queued recipient waits for, before the time of its next attempt.
WAITS: Final[Mapping[str, str]] = {
    Waiting.ROUND: "The next round begins",
    Waiting.EVIDENCE: "It waits for a report, and goes on",
    Waiting.BREAKER: "It waits for an open breaker, and is tried again",
    Waiting.COOLDOWN: "It waits for the cooldown of an account, and is tried again",
    Waiting.CAP: "It waits for a cap or quota, and is tried again",
    Waiting.PAUSED: "It waits for an account that is paused, and looks again",
    Waiting.SCHEDULE: "It is sent",
}

# What a call came to; None: nothing yet.
OUTCOMES: Final[Mapping[str | None, str]] = {
    None: "the call is under way",
    Kind.ACCEPTED: "took it",
    Kind.UNAVAILABLE: "could not take it",
    Kind.THROTTLED: "takes no more for now",
    Kind.REFUSED: "will not carry this email",
    Kind.UNDELIVERABLE: "knows no such recipient",
    Kind.UNCERTAIN: "may or may not have taken it",
}
EVENTS: Final[Mapping[str, str]] = {
    Kind.ACCEPTED: "has it",
    Kind.DELAYED: "goes on trying",
    Kind.DELIVERED: "delivered it",
    Kind.HARD_BOUNCE: "found no such mailbox",
    Kind.MAILBOX_CONDITION: "found a mailbox that takes nothing",
    Kind.SOFT_BOUNCE: "got it back",
    Kind.BLOCKED: "was blocked",
    Kind.DROPPED: "never tried",
    Kind.VIRUS: "found a virus",
    Kind.SUPPRESSED: "has the recipient on its own list",
    Kind.COMPLAINED: "was told that it is spam",
    Kind.UNSUBSCRIBED: "unsubscribed the recipient",
    Kind.RESUBSCRIBED: "subscribed the recipient again",
    Kind.OPENED: "saw it opened",
    Kind.CLICKED: "saw a link clicked",
    Kind.UNKNOWN: "reported something unknown",
}

GOOD: Final = frozenset({Kind.ACCEPTED, Kind.DELIVERED, Kind.OPENED, Kind.CLICKED, Kind.RESUBSCRIBED})
OPEN: Final = frozenset({None, Kind.DELAYED, Kind.UNCERTAIN, Kind.UNKNOWN})


def tone(kind: str | None) -> str:
    """How a kind is coloured: `good`, `open` or `bad`."""
    if kind in GOOD:
        return "good"
    return "open" if kind in OPEN else "bad"


# The tone of each status of an email or a recipient; any other is open.
STATUS_TONES: Final[Mapping[str, str]] = {
    "delivered": "good",
    "complained": "bad",
    "bounced": "bad",
    "failed": "bad",
    "suppressed": "bad",
    "expired": "bad",
    "partially_delivered": "bad",
    "canceled": "quiet",
}


def fault(of: Fault) -> str:
    """What a provider does under this fault."""
    return next((words[of] for words in FAULTS.values() if of in words), "works")


def plain(status: str) -> str:
    """A status as words: `partially_delivered` becomes `partially delivered`."""
    return status.replace("_", " ")


def clock(at: str) -> str:
    """The time of day of an RFC 3339 time, as this machine's clock shows it, with the date if it is another day's."""
    local = datetime.fromisoformat(at).astimezone()
    today = datetime.now().astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%d %b %H:%M}"


def until(at: str, now: datetime) -> str:
    """How long it is until an RFC 3339 time: `in 12 s`, `in 3 min`, or `now` if it has come."""
    left_s = round((datetime.fromisoformat(at) - now).total_seconds())
    if left_s <= 0:
        return "now"
    if left_s < 100:
        return f"in {left_s} s"
    return f"in {left_s // 60} min" if left_s < 6_000 else f"in {left_s // 3_600} h"
