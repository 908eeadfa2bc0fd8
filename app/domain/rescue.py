"""Rescue of critical mail: accepted, then silence, by a provider that has fallen silent."""

from dataclasses import replace

from app.domain.head import Fact, Head, Recipient, Status
from app.domain.health import SILENT_AFTER_MS
from app.domain.transitions import forsaken

LOOKS = 8  # how often, SILENT_AFTER_MS apart, a sent recipient is looked at


def rescued(head: Head, silent: frozenset[str], now_ms: int) -> dict[str, Recipient]:
    """The sent recipients of a critical head: watched, or queued again because their provider has fallen silent."""
    return {
        key: _watched(head, recipient, silent, now_ms)
        for key, recipient in head.recipients.items()
        if recipient.status is Status.SENT
    }


def _watched(head: Head, recipient: Recipient, silent: frozenset[str], now_ms: int) -> Recipient:
    attempt = head.attempts[recipient.attempt - 1]
    if recipient.wait_until_ms is not None and now_ms < recipient.wait_until_ms:
        return recipient
    is_over = now_ms >= attempt.started_at_ms + SILENT_AFTER_MS
    if is_over and attempt.provider in silent and not recipient.knows(attempt.number, Fact.SILENT):
        return forsaken(recipient)
    looks = (now_ms - attempt.started_at_ms) // SILENT_AFTER_MS + 1
    until_ms = attempt.started_at_ms + looks * SILENT_AFTER_MS if looks <= LOOKS else None
    return replace(recipient, wait_until_ms=until_ms)
