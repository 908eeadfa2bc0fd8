"""What a story tells of time: when who waits is tried again, and why they wait; which event came after which attempt.

Times are epoch milliseconds.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from app.domain.attempts import Attempt
from app.domain.event import ProviderEvent
from app.domain.head import OPEN, Head, Recipient, Status
from app.domain.waiting import Waiting


def waiting_because(recipient: Recipient, head: Head) -> Waiting | None:
    """What ends the wait of a recipient of `head` first. None: it has nothing to wait for, or nothing more to come."""
    if _is_scheduled(recipient, head):
        return Waiting.SCHEDULE
    if recipient.wait_until_ms is None or recipient.status not in OPEN:
        return None
    if recipient.status is Status.QUEUED:
        return recipient.waits_for or Waiting.ROUND
    return Waiting.EVIDENCE


def next_attempt_ms(recipient: Recipient, head: Head) -> int | None:
    """When the next attempt is made for a recipient of `head` that waits. None: it does not wait."""
    return head.send_at_ms if _is_scheduled(recipient, head) else recipient.wait_until_ms


def _is_scheduled(recipient: Recipient, head: Head) -> bool:
    """Whether it waits for the time for which it was sent: nothing was tried yet, and nothing else keeps it longer."""
    if head.send_at_ms is None or recipient.attempt or recipient.status is not Status.QUEUED:
        return False
    return recipient.wait_until_ms is None or recipient.wait_until_ms <= head.send_at_ms


class Placed(NamedTuple):
    """An event, and the time by which it is sorted among attempts and other events."""

    event: ProviderEvent
    sort_ms: int


def in_order(attempts: Sequence[Attempt], events: Iterable[ProviderEvent]) -> list[Placed]:
    """The events in the order in which they are told, none of them before the attempt that caused it.

    A provider's times may be whole seconds, or of a clock that is behind ours; and one worker's clock may be behind
    another's, so that an attempt counts as begun no earlier than those before it.
    """
    began = dict(
        zip(
            (attempt.number for attempt in attempts),
            accumulate((attempt.started_at_ms for attempt in attempts), max),
            strict=True,
        )
    )
    placed = [Placed(event, max(event.at_ms, began.get(event.attempt, event.at_ms))) for event in events]
    return sorted(placed, key=lambda one: (one.sort_ms, one.event.attempt, one.event.at_ms))
