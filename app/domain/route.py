"""The next call: through which provider, and whom it carries."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.domain.email import Role
from app.domain.head import Head, Recipient, Status


class Leg(NamedTuple):
    """The next call: a provider, the keys of the recipients it carries, and the attempt it repeats (0: none)."""

    provider: str
    recipients: tuple[str, ...]
    repeats: int = 0


def next_leg(head: Head, providers: Sequence[str]) -> Leg | None:
    """A repetition; else the first of `providers` that somebody queued has not tried in this round, and for whom."""
    if head.to_repeat:
        attempt = head.attempts[head.to_repeat - 1]
        return Leg(attempt.provider, attempt.recipients, attempt.number)
    queued = {
        key: recipient
        for key, recipient in head.recipients.items()
        if recipient.status is Status.QUEUED and recipient.wait_until_ms is None
    }
    for provider in providers:
        who = {key: recipient for key, recipient in queued.items() if provider not in recipient.tried}
        if who:
            return Leg(provider, _company(head, who))
    return None


def _company(head: Head, who: Mapping[str, Recipient]) -> tuple[str, ...]:
    """Who may share one call: everybody as first sent, else those who see each other anyway, else one bcc alone."""
    if len(who) == len(head.recipients):
        return tuple(who)
    visible = tuple(key for key, recipient in who.items() if recipient.role is not Role.BCC)
    return visible or tuple(who)[:1]
