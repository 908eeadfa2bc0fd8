"""Rescue of critical mail: accepted, then silence, by a provider that has fallen silent."""

from dataclasses import replace

from app.domain.aftermath import forsaken
from app.domain.head import Fact, Head, Recipient, Status
from app.domain.health import SILENT_AFTER_MS
from app.domain.rounds import Terms, settle

LOOKS = 8  # how often, SILENT_AFTER_MS apart, a sent recipient is looked at


def rescued(head: Head, terms: Terms) -> dict[str, Recipient]:
    """The sent recipients of a critical head: watched, or queued again because their provider has fallen silent."""
    return {
        key: _watched(head, recipient, terms)
        for key, recipient in head.recipients.items()
        if recipient.status is Status.SENT
    }


def _watched(head: Head, recipient: Recipient, terms: Terms) -> Recipient:
    if recipient.wait_until_ms is not None and terms.now_ms < recipient.wait_until_ms:
        return recipient
    attempt = head.attempts[recipient.attempt - 1]
    silent_for_ms = terms.now_ms - attempt.started_at_ms
    is_given_up = recipient.knows(attempt.number, Fact.SILENT)
    if silent_for_ms >= SILENT_AFTER_MS and attempt.provider in terms.around.silent and not is_given_up:
        again = forsaken(recipient)
        if again.status is Status.SENT:  # an older copy counts instead: it is watched like any other
            return _watched(head, again, terms)
        if _has_a_way(again, terms):
            return again
    looks = silent_for_ms // SILENT_AFTER_MS + 1
    until_ms = attempt.started_at_ms + looks * SILENT_AFTER_MS if looks <= LOOKS else None
    return replace(recipient, wait_until_ms=until_ms)


def _has_a_way(recipient: Recipient, terms: Terms) -> bool:
    """Would it be sent now? If not, the silent copy is the best there is, and `sent` what is known of it."""
    settled = settle(recipient, terms)
    return settled.status is Status.QUEUED and settled.wait_until_ms is None
