"""The lifetime of an email: when it begins, until when anything is sent, and how long all of it is kept.

It begins when the email is accepted, at its `send_at`, or with a retry. Times are epoch milliseconds.
"""

from dataclasses import replace
from typing import Final

from app.domain.head import Head, Recipient, Status

LIFETIME_S: Final = 24 * 3600  # until expires_at, if the client names none
SCHEDULED_WITHIN_S: Final = 30 * 24 * 3600  # how far ahead send_at may lie
KEPT_FOR_S: Final = 7 * 24 * 3600  # after the last moment at which anything may still be sent


def with_lifetime(head: Head, begins_ms: int, expires_at_ms: int, retry_for_s: int) -> Head:
    """The head with a lifetime that begins then, and all deadlines that follow. It is never kept for less long."""
    retry_until_ms = begins_ms + retry_for_s * 1000
    return replace(
        head,
        begins_at_ms=begins_ms if begins_ms > head.created_at_ms else None,
        expires_at_ms=expires_at_ms,
        retry_until_ms=retry_until_ms,
        limited_since_ms=None,
        turn_ms=None,
        ttl_s=max(head.ttl_s, max(expires_at_ms, retry_until_ms) // 1000 + KEPT_FOR_S),
    )


def scheduled(head: Head, send_at_ms: int, now_ms: int, expires_at_ms: int | None, retry_for_s: int) -> Head:
    """The head of an email, of which nothing was sent, that is sent at that time; at once if that is over.

    Without `expires_at_ms` it has the default lifetime, which begins at that time, too.
    """
    begins_ms = max(send_at_ms, now_ms)
    until_ms = begins_ms + LIFETIME_S * 1000 if expires_at_ms is None else expires_at_ms
    head = with_lifetime(head, begins_ms, until_ms, retry_for_s)
    recipients = {key: _waiting(recipient, send_at_ms, now_ms) for key, recipient in head.recipients.items()}
    return replace(head, recipients=recipients, send_at_ms=send_at_ms)


def default_expiry(head: Head) -> bool:
    """Whether the email expires when one does whose client names no time. Then the expiry moves with the schedule."""
    return head.expires_at_ms == head.lives_from_ms + LIFETIME_S * 1000


def _waiting(recipient: Recipient, send_at_ms: int, now_ms: int) -> Recipient:
    if send_at_ms <= now_ms:
        return replace(recipient, status=Status.QUEUED, wait_until_ms=None)
    return replace(recipient, status=Status.SCHEDULED, wait_until_ms=send_at_ms)
