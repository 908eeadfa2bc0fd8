"""What goes into the reader and what comes out of it."""

from dataclasses import dataclass
from enum import StrEnum


class Proven(StrEnum):
    """What a failure report proves, in the words of the glossary."""

    NOT_A_FAILURE = "not a failure"
    DELAYED = "delayed"  # the provider goes on trying
    SUPPRESSED = "suppressed"  # never tried: the address is on the provider's own list
    HARD_BOUNCE = "hard bounce"  # the mailbox does not exist, at whichever provider
    MAILBOX_CONDITION = "mailbox condition"  # it exists, but is full or disabled, or the email is too large for it
    BLOCKED = "blocked"  # policy, reputation, spam: it is about us
    SOFT_BOUNCE = "soft bounce"  # returned for any other reason, or for reasons that contradict each other
    UNKNOWN = "unknown"  # the report says nothing


class Label(StrEnum):
    """What a provider's own label amounts to. `labels` makes one from the provider's words."""

    NONE = "none"
    DELAYED = "delayed"  # the provider goes on trying
    SAYS_NOTHING = "says nothing"  # may be an automatic reply; counts only beside `action: failed`
    # The same, of a provider that never reports an action; counts beside a 4xx or 5xx reply.
    SAYS_NOTHING_WITHOUT_REPLY = "says nothing without a reply"
    GENERIC = "generic"  # the provider has given up; alone, it is no more than a soft bounce
    SUPPRESSED = "suppressed"  # on the provider's own list
    BLOCKED = "blocked"  # content, reputation, rate: about us
    MAILBOX_CONDITION = "mailbox condition"  # weighs as much as the host's words about the mailbox
    UNKNOWN_RECIPIENT = "unknown recipient"  # weighs as much as the host's words "unknown recipient"


@dataclass(frozen=True, slots=True)
class Report:
    """A failure report, in parts; "" for a part that the provider does not give.

    `action` is the DSN's (RFC 3464 §2.3.3). `status` is the enhanced status, or what the provider has in its place: a
    basic code, or a status with a comment. `code` is the SMTP basic code. `text` is the host's words, several lines and
    several hosts at once if need be. `label` is the provider's own.
    """

    action: str = ""
    status: str = ""
    code: str = ""
    text: str = ""
    label: Label = Label.NONE


@dataclass(frozen=True, slots=True)
class Reading:
    """What is proven, by which rule, and where that rule is from."""

    proven: Proven
    rule: str
    source: str
