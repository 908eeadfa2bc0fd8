"""Rounds: what becomes of a recipient that is queued when no provider is left, or whose waiting is over.

A round ends when every provider that may be asked now has been. If one of them failed for a passing reason, or one is
closed for now, the recipient waits and a new round asks only those; until `retry_until_ms`. Nothing is sent after
`expires_at_ms`.
"""

import hashlib
from dataclasses import dataclass, replace

from app.domain.aftermath import given_up, requeue
from app.domain.email import OnUncertain
from app.domain.head import Head, Recipient, Status
from app.domain.kinds import Cause
from app.domain.standing import Circumstances, State

# Minutes between rounds; the last one repeats.
ROUND_WAITS_MS = tuple(minutes * 60_000 for minutes in (1, 2, 5, 10, 30))
# A wait is shortened by up to this share, so that an outage does not end in one stampede.
JITTER = 0.25
SHORTEST_LOOK_MS = 1000  # a provider that is closed is not looked at more often
LISTED = "on our suppression list"


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides beside the recipient itself: the email's limits, the circumstances, the time."""

    email_id: str
    on_uncertain: OnUncertain
    expires_at_ms: int
    retry_until_ms: int
    around: Circumstances
    now_ms: int

    @classmethod
    def of(cls, head: Head, around: Circumstances, now_ms: int) -> "Terms":
        """The terms of `head`."""
        return cls(head.email_id, head.on_uncertain, head.expires_at_ms, head.retry_until_ms, around, now_ms)

    @property
    def askable(self) -> tuple[str, ...]:
        """The providers that may be asked now; after the last round's deadline closed ones too, as a last resort."""
        last_resort = (State.CLOSED,) if self.now_ms >= self.retry_until_ms else ()
        return self.around.providers(State.IN) + self.around.providers(*last_resort)


def settle(recipient: Recipient, terms: Terms) -> Recipient:
    """End waits that are over, then decide for a queued recipient: another provider, another round, or the end."""
    recipient = _end_wait(recipient, terms)
    if recipient.status is not Status.QUEUED:
        return recipient
    if terms.around.superseded:
        return given_up(recipient, Status.CANCELED, detail="superseded by a newer email")
    if recipient.key in terms.around.suppressed:
        return given_up(recipient, Status.SUPPRESSED, cause=Cause.RECIPIENT, detail=LISTED)
    if recipient.wait_until_ms is not None:
        return recipient
    if terms.now_ms >= terms.expires_at_ms:
        return given_up(recipient, Status.EXPIRED, detail=recipient.detail or "not sent before expires_at")
    if any(provider not in recipient.tried for provider in terms.askable):
        return recipient
    next_look_ms = _next_look_ms(recipient, terms)
    if next_look_ms is not None and terms.now_ms < terms.retry_until_ms:
        until_ms = min(next_look_ms, terms.retry_until_ms, terms.expires_at_ms)
        return replace(recipient, wait_until_ms=until_ms)
    if not terms.around.providers(State.IN, State.CLOSED, State.PAUSED):
        return given_up(recipient, Status.FAILED, detail="no provider may carry this email")
    return given_up(recipient, Status.FAILED)


def _next_look_ms(recipient: Recipient, terms: Terms) -> int | None:
    """When to ask again: after a round's wait, or when a closed provider opens. None: there is nobody to ask."""
    looks = []
    for standing in terms.around.route:
        if standing.state is State.OUT:
            continue
        if recipient.tried.get(standing.provider):
            looks.append(_next_round_ms(recipient, terms))
        elif standing.provider not in recipient.tried:
            looks.append(max(standing.until_ms or 0, terms.now_ms + SHORTEST_LOOK_MS))
    return min(looks, default=None)


def _end_wait(recipient: Recipient, terms: Terms) -> Recipient:
    if recipient.wait_until_ms is None or terms.now_ms < recipient.wait_until_ms:
        return recipient
    if recipient.status is Status.SENT:
        return recipient  # watched: `app.domain.rescue` decides
    if recipient.status is Status.QUEUED:
        finally_failed = {provider: False for provider, passing in recipient.tried.items() if not passing}
        rounds = recipient.round + (finally_failed != recipient.tried)  # a wait for a closed provider is no round
        return replace(recipient, wait_until_ms=None, tried=finally_failed, round=rounds)
    recipient = requeue(recipient)
    if recipient.status is Status.QUEUED and terms.on_uncertain is OnUncertain.FAIL:
        return given_up(recipient, Status.FAILED)
    return recipient


def _next_round_ms(recipient: Recipient, terms: Terms) -> int:
    """When the next round starts, if no deadline comes first: then the last round is asked at the deadline."""
    wait_ms = ROUND_WAITS_MS[min(recipient.round, len(ROUND_WAITS_MS) - 1)]
    dice = hashlib.sha256(f"{terms.email_id}\n{recipient.key}\n{recipient.round}".encode()).digest()[0] / 255
    return terms.now_ms + int(wait_ms * (1 - JITTER * dice))
