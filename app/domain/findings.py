"""What a report about a recipient at fault means for the address."""

from collections.abc import Mapping
from typing import Final

from app.domain.event import ProviderEvent
from app.domain.kinds import Kind
from app.domain.resolution import Signal
from app.domain.suppression import DAY_MS, LASTS_MS, Bounce, Reason, Resubscription, Suppression

# An email of which nobody knows when it was accepted is taken to be this old. Hosts and providers give up sooner: after
# four to five days (RFC 5321 §4.5.4.1, 2008). So a second report of the same email does not look like one of a later.
UNKNOWN_EMAIL_IS_OLD_MS: Final = 8 * DAY_MS

Finding = Suppression | Bounce | Resubscription

_REASONS: Final[Mapping[Kind, Reason]] = {
    Kind.SUPPRESSED: Reason.PROVIDER_LIST,
    Kind.COMPLAINED: Reason.COMPLAINED,
    Kind.UNSUBSCRIBED: Reason.UNSUBSCRIBED,
}
SAID_TO_A_PROJECT: Final = frozenset({Reason.COMPLAINED, Reason.UNSUBSCRIBED})
_BOUNCES: Final = frozenset({Kind.HARD_BOUNCE, Kind.UNDELIVERABLE})


def from_event(
    event: ProviderEvent, now_ms: int, *, email_ms: int | None = None, called_ms: int = 0, project: str = ""
) -> Finding:
    """What an event means for its recipient's address. It is the same however often the event comes.

    `email_ms` is when the email was accepted (None: not known), `called_ms` when its provider was called. The
    provider's clock does not count before that, nor after now. `project` is the email's ("": not known).
    """
    at_ms = max(min(event.at_ms, now_ms), called_ms)
    return from_signal(event.email_id, event.recipient, Signal.from_event(event), at_ms, email_ms, project)


def from_signal(
    email_id: str, address: str, signal: Signal, at_ms: int, email_ms: int | None, project: str = ""
) -> Finding:
    """What a signal of that time means for an address, about an email of `project` ("": not known).

    The signal's row in the state table must say `suppress`, or its kind be `resubscribed`. A mailbox is dead for
    everybody; what a person says of one project's mail says nothing of another's.
    """
    if signal.kind is Kind.RESUBSCRIBED:
        return Resubscription(address, at_ms, project)
    about = f", {email_id}, attempt {signal.attempt}" if email_id else ""  # some reports do not say of which email
    evidence = f"{signal.provider}{about}: {signal.detail or signal.kind.value}"
    if signal.kind in _BOUNCES:
        accepted_ms = at_ms - UNKNOWN_EMAIL_IS_OLD_MS if email_ms is None else email_ms
        return Bounce(address, evidence, max(at_ms, accepted_ms), accepted_ms)
    reason = _REASONS[signal.kind]
    owner = project if reason in SAID_TO_A_PROJECT else ""
    return Suppression(address, reason, evidence, at_ms, at_ms + LASTS_MS[reason], owner)
