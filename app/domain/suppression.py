"""Suppression: addresses that nothing is sent to, why, and until when."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.domain.event import ProviderEvent
from app.domain.kinds import Kind
from app.domain.resolution import Signal

DAY_MS = 24 * 3600 * 1000


class Reason(StrEnum):
    """Why an address is suppressed."""

    HARD_BOUNCE = "hard_bounce"  # the mailbox does not exist
    PROVIDER_LIST = "provider_list"  # on a provider's own suppression list, for a reason that it need not give
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    MANUAL = "manual"


# A mailbox may be opened again and lists are cleaned; somebody who complained stays suppressed for longest.
LASTS_MS: Mapping[Reason, int] = {
    Reason.HARD_BOUNCE: 180 * DAY_MS,
    Reason.PROVIDER_LIST: 30 * DAY_MS,
    Reason.COMPLAINED: 730 * DAY_MS,
    Reason.UNSUBSCRIBED: 730 * DAY_MS,
    Reason.MANUAL: 730 * DAY_MS,
}
_REASONS: Mapping[Kind, Reason] = {
    Kind.HARD_BOUNCE: Reason.HARD_BOUNCE,
    Kind.UNDELIVERABLE: Reason.HARD_BOUNCE,
    Kind.SUPPRESSED: Reason.PROVIDER_LIST,
    Kind.COMPLAINED: Reason.COMPLAINED,
    Kind.UNSUBSCRIBED: Reason.UNSUBSCRIBED,
}


@dataclass(frozen=True, slots=True)
class Suppression:
    """One suppressed address (lower-case), with the evidence. Times are epoch milliseconds."""

    address: str
    reason: Reason
    evidence: str  # the provider, the email, the attempt and the provider's words; or the operator's note
    since_ms: int
    until_ms: int


def from_event(event: ProviderEvent, now_ms: int) -> Suppression:
    """The suppression that an event about a recipient leads to. It is the same however often the event comes."""
    return from_signal(event.email_id, event.recipient, Signal.from_event(event), min(event.at_ms, now_ms))


def from_signal(email_id: str, address: str, signal: Signal, since_ms: int) -> Suppression:
    """The suppression that a signal leads to. The signal's row in the state table must say `suppress`."""
    reason = _REASONS[signal.kind]
    about = f", {email_id}, attempt {signal.attempt}" if email_id else ""  # some reports do not say of which email
    evidence = f"{signal.provider}{about}: {signal.detail or signal.kind.value}"
    return Suppression(address, reason, evidence, since_ms, since_ms + LASTS_MS[reason])
