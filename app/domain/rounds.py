"""Rounds: what becomes of a recipient that is queued when no provider is left, or whose waiting is over.

A round ends when every provider has been asked. If one of them failed for a passing reason, the recipient waits and
a new round asks only those; until `retry_until_ms`. Nothing is sent after `expires_at_ms`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.email import OnUncertain
from app.domain.head import Head, Recipient, Status
from app.domain.transitions import requeue

# Minutes between rounds; the last one repeats.
ROUND_WAITS_MS = tuple(minutes * 60_000 for minutes in (1, 2, 5, 10, 30))
# A wait is shortened by up to this share, so that an outage does not end in one stampede.
JITTER = 0.25


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides beside the recipient itself: the email's limits, the providers that may carry it, the time."""

    email_id: str
    on_uncertain: OnUncertain
    expires_at_ms: int
    retry_until_ms: int
    providers: Sequence[str]
    now_ms: int

    @classmethod
    def of(cls, head: Head, providers: Sequence[str], now_ms: int) -> "Terms":
        """The terms of `head`, with the providers that may carry it."""
        return cls(head.email_id, head.on_uncertain, head.expires_at_ms, head.retry_until_ms, providers, now_ms)


def settle(recipient: Recipient, terms: Terms) -> Recipient:
    """End waits that are over, then decide for a queued recipient: another provider, another round, or the end."""
    recipient = _end_wait(recipient, terms)
    if recipient.status is not Status.QUEUED or recipient.wait_until_ms is not None:
        return recipient
    if terms.now_ms >= terms.expires_at_ms:
        return replace(recipient, status=Status.EXPIRED, detail=recipient.detail or "not sent before expires_at")
    if any(provider not in recipient.tried for provider in terms.providers):
        return recipient
    if terms.now_ms < terms.retry_until_ms and any(recipient.tried[provider] for provider in terms.providers):
        return replace(recipient, wait_until_ms=_next_round_ms(recipient, terms))
    if not terms.providers:
        return replace(recipient, status=Status.FAILED, detail="no provider may carry this email")
    return replace(recipient, status=Status.FAILED)


def _end_wait(recipient: Recipient, terms: Terms) -> Recipient:
    if recipient.wait_until_ms is None or terms.now_ms < recipient.wait_until_ms:
        return recipient
    if recipient.status is Status.QUEUED:
        finally_failed = {provider: False for provider, passing in recipient.tried.items() if not passing}
        return replace(recipient, wait_until_ms=None, tried=finally_failed, round=recipient.round + 1)
    recipient = requeue(recipient)
    if recipient.status is Status.QUEUED and terms.on_uncertain is OnUncertain.FAIL:
        return replace(recipient, status=Status.FAILED)
    return recipient


def _next_round_ms(recipient: Recipient, terms: Terms) -> int:
    """When the next round starts; never after the deadlines, so that the last round is asked at the deadline."""
    wait_ms = ROUND_WAITS_MS[min(recipient.round, len(ROUND_WAITS_MS) - 1)]
    dice = hashlib.sha256(f"{terms.email_id}\n{recipient.key}\n{recipient.round}".encode()).digest()[0] / 255
    at_ms = terms.now_ms + int(wait_ms * (1 - JITTER * dice))
    return min(at_ms, terms.retry_until_ms, terms.expires_at_ms)
