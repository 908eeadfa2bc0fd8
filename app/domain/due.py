"""When an email has something to do, and where it stands among those that are due. Times are epoch milliseconds."""

from app.domain.head import Head, Status
from app.domain.sandbox import OVERDUE_MS, next_report_ms

# An email that was just written has this long to be published and claimed before the sweep publishes it again.
REPUBLISH_AFTER_MS = 10_000
TURN_WITHIN_MS = 1000  # a wait for a turn ends within this of it, as no wait is shorter
EARLY_MS = 120_000  # an email's entry among those that are due may be this much too early while it is leased


def ready(head: Head, now_ms: int) -> bool:
    """Whether an attempt has something to do now.

    That is: nobody holds the lease any more, and a recipient is queued, a wait has ended, a call is to be repeated, or
    a report of the sandbox is overdue.
    """
    if head.lease_until_ms is not None:
        return now_ms >= head.lease_until_ms
    report_ms = next_report_ms(head)
    is_overdue = report_ms is not None and report_ms + OVERDUE_MS <= now_ms
    return (
        is_overdue
        or bool(head.to_repeat)
        or any(
            recipient.wait_until_ms <= now_ms
            if recipient.wait_until_ms is not None
            else recipient.status is Status.QUEUED
            for recipient in head.recipients.values()
        )
    )


def due_at_ms(head: Head, now_ms: int) -> int | None:
    """When the sweep must check this email again. None: there is nothing left to do."""
    if head.lease_until_ms is not None:
        return head.lease_until_ms  # no worker may claim it before then, whatever else waits
    soon_ms = now_ms + REPUBLISH_AFTER_MS
    waits = [
        soon_ms if recipient.wait_until_ms is None else _after_its_message(head, recipient.wait_until_ms)
        for recipient in head.recipients.values()
        if recipient.wait_until_ms is not None or recipient.status is Status.QUEUED
    ]
    if head.to_repeat:
        waits.append(soon_ms)
    if (report_ms := next_report_ms(head)) is not None:
        waits.append(max(now_ms, report_ms) + REPUBLISH_AFTER_MS)
    return min(waits, default=None)


def entry_ms(head: Head, now_ms: int) -> int | None:
    """Where a write of this head places it among the emails that are due. None: nowhere.

    That is `due_at_ms`, except that a claim leaves the index entry where it was, because moving it costs two of
    DynamoDB's write units. A sweep that meets this entry early reads the head and leaves it alone until the lease ends.
    """
    before_ms, until_ms = head.due_entry_ms, head.lease_until_ms
    if before_ms is not None and until_ms is not None and 0 <= until_ms - before_ms <= EARLY_MS:
        return before_ms
    return due_at_ms(head, now_ms)


def _after_its_message(head: Head, wait_ms: int) -> int:
    """When the sweep checks a wait. The message of a turn is on its way, and a second one would waste a place."""
    has_turn = head.turn_ms is not None and 0 <= wait_ms - head.turn_ms <= TURN_WITHIN_MS
    return wait_ms + REPUBLISH_AFTER_MS if has_turn else wait_ms
