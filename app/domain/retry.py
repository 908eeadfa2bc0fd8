"""A retry: recipients whom an email did not reach are tried anew, because a client asks for it.

What was sent and reported stays in the story. It does not decide about the new tries, but for two things: a recipient
who may have got the email gets a second copy only if the client allows it, and a copy that turns out to have arrived
ends the retry.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from app.domain.attempts import Attempt
from app.domain.email import OnUncertain
from app.domain.head import Evidence, Head, Recipient, Status, Stop
from app.domain.lifetime import with_lifetime
from app.domain.schedule import CANCELED, REPLACED
from app.domain.states import AT_FAULT
from app.domain.unknown_calls import unknown_calls
from app.errors import Conflict, Invalid

# Why a recipient of each status is not retried. "": it may be.
REFUSALS: Final[Mapping[Status, str]] = {
    Status.SCHEDULED: "waits for send_at; PATCH the email to move it",
    Status.QUEUED: "is being tried already",
    Status.SENDING: "is being tried already: a call is under way, or its outcome is waited for",
    Status.SENT: "has been sent to: a provider has the email, and has not reported that it failed",
    Status.DELIVERED: "has got the email",
    Status.COMPLAINED: "has got the email, and reported it as spam",
    Status.BOUNCED: "",
    Status.SUPPRESSED: "",
    Status.FAILED: "",
    Status.EXPIRED: "",
    Status.CANCELED: "was canceled; send a new email",
}
UNDER_WAY: Final = (Status.SCHEDULED, Status.QUEUED, Status.SENDING)
UNREACHED: Final = (Status.FAILED, Status.EXPIRED)  # whom a retry that names nobody is for
VIRUS: Final = "a provider has found a virus in this email, which is the same through any other"
SECOND_COPY: Final = "may have got it, as nobody knows what became of a call; send allow_second_copy: true to risk it"
NO_SECOND_COPY: Final = "may have got it, and on_uncertain: fail forbids a second copy; send a new email"
STILL_SUPPRESSED: Final = "is on the suppression list; lift the suppression first"


@dataclass(frozen=True, slots=True)
class Again:
    """What a client asks for: the keys of the recipients (none: all whom it did not reach), and the only account."""

    recipients: tuple[str, ...] = ()
    through: str = ""
    allow_second_copy: bool = False


def retry(head: Head, again: Again, suppressed: Collection[str], now_ms: int, retry_for_s: int) -> Head:
    """The head whose recipients are queued anew, with a new lifetime that is as long as the one before.

    `suppressed` are the keys of those who are on our suppression list now. Raises Conflict, saying why for each
    recipient, if any of them may not be retried, and Invalid for somebody who is no recipient.
    """
    _check_email(head)
    if unknown := [(f"recipients[{n}]", "is no recipient of this email") for n, key in _numbered(head, again)]:
        raise Invalid(*unknown)
    keys = again.recipients or tuple(key for key, one in head.recipients.items() if one.status in UNREACHED)
    if not keys:
        statuses = ", ".join(f"{one.address} is {one.status}" for one in head.recipients.values())
        raise Conflict(f"nobody is failed or expired, and others are retried if they are named: {statuses}")
    refusals = {key: _refusal(head, head.recipients[key], again, suppressed) for key in keys}
    if reasons := [f"{head.recipients[key].address} {why}" for key, why in refusals.items() if why]:
        raise Conflict("; ".join(reasons))
    if again.through in head.excluded:
        raise Conflict(f"{again.through} cannot carry this email")
    queued = {key: _anew(head.recipients[key], head.attempts) for key in keys}
    begun = with_lifetime(head, now_ms, now_ms + head.expires_at_ms - head.lives_from_ms, retry_for_s)
    return replace(begun, recipients={**head.recipients, **queued}, through=again.through)


def _check_email(head: Head) -> None:
    """Raise Conflict for what keeps all of its recipients from being retried.

    While somebody is under way nobody is retried: the new deadlines are those of the whole email.
    """
    if head.stopped is not None:
        raise Conflict(CANCELED if head.stopped is Stop.CANCELED else REPLACED)
    if under_way := [one for one in head.recipients.values() if one.status in UNDER_WAY]:
        raise Conflict("; ".join(f"{one.address} {REFUSALS[one.status]}" for one in under_way))
    if any(one.attempts_with(Evidence.VIRUS) for one in head.recipients.values()):
        raise Conflict(VIRUS)


def _numbered(head: Head, again: Again) -> list[tuple[int, str]]:
    return [(n, key) for n, key in enumerate(again.recipients) if key not in head.recipients]


def _refusal(head: Head, recipient: Recipient, again: Again, suppressed: Collection[str]) -> str:
    """Why this recipient may not be retried; "" if it may."""
    if why := REFUSALS[recipient.status]:
        return why
    # What an email that overrides the list has met is a report about this very mailbox.
    if recipient.key in suppressed and not (head.override_suppression and recipient.status in UNREACHED):
        return STILL_SUPPRESSED
    if not unknown_calls(recipient, head.attempts):
        return ""
    if head.on_uncertain is OnUncertain.FAIL:
        return NO_SECOND_COPY
    return "" if again.allow_second_copy else SECOND_COPY


def _anew(recipient: Recipient, attempts: tuple[Attempt, ...]) -> Recipient:
    """The recipient in the first round. What spoke against it, and calls of unknown outcome, are marked as passed."""
    at_fault = [number for number, known in recipient.evidence.items() if known & frozenset(AT_FAULT)]
    passed = {*at_fault, *unknown_calls(recipient, attempts)}
    marked = {number: recipient.evidence.get(number, frozenset()) | {Evidence.RETRIED} for number in passed}
    return Recipient(
        recipient.address,
        recipient.role,
        Status.QUEUED,
        attempt=recipient.attempt,
        evidence={**recipient.evidence, **marked},
        passes_lists=recipient.passes_lists,
    )
