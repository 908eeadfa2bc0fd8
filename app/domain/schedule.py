"""Moving a schedule: which emails may still be sent at another time, and what moves with it."""

from datetime import UTC, datetime
from typing import Final

from app.domain.head import Head, Status, Stop, status
from app.domain.lifetime import SCHEDULED_WITHIN_S, default_expiry, scheduled
from app.errors import Conflict, Invalid

REPLACED: Final = "a newer email with the same collapse key has replaced this one"
CANCELED: Final = "this email was canceled; send a new one"


def reschedule(head: Head, send_at_ms: int, now_ms: int, retry_for_s: int) -> Head:
    """The head of an email that is sent at that time instead; at once if that is over.

    The default expiry moves along, one that the client gave stays. Returns the same head if the email has this time
    already, so that a request that comes again is no error. Raises Conflict if the email is not scheduled any more, and
    Invalid if the time is too far ahead, or the email would have expired by then.
    """
    if head.stopped is not None:
        raise Conflict(CANCELED if head.stopped is Stop.CANCELED else REPLACED)
    if head.send_at_ms == send_at_ms:
        return head
    if not all(recipient.status is Status.SCHEDULED for recipient in head.recipients.values()):
        now = status(head.recipients.values())
        if head.send_at_ms is None:
            raise Conflict(f"this email had no send_at and is {now}: it was sent at once")
        raise Conflict(f"too late: this email has been started, and is {now}")
    if send_at_ms > now_ms + SCHEDULED_WITHIN_S * 1000:
        raise Invalid(("send_at", "must be within 30 days"))
    expires_at_ms = None if default_expiry(head) else head.expires_at_ms
    if expires_at_ms is not None and expires_at_ms <= max(send_at_ms, now_ms):
        until = datetime.fromtimestamp(expires_at_ms / 1000, UTC).isoformat(timespec="seconds")
        raise Invalid(("send_at", f"must be before expires_at of this email, which is {until}"))
    return scheduled(head, send_at_ms, now_ms, expires_at_ms, retry_for_s)
