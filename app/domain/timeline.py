"""What a story tells of time: when who waits is tried again, and why they wait; which event came after which attempt.

Times are epoch milliseconds.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from app.domain.attempts import Attempt
from app.domain.event import ProviderEvent
from app.domain.head import OPEN, Recipient, Status
from app.domain.waiting import Waiting


def waiting_because(recipient: Recipient) -> Waiting | None:
    """What ends the wait of a recipient first. None: it has nothing to wait for, or nothing more to come."""
    if recipient.wait_until_ms is None or recipient.status not in OPEN:
        return None
    if recipient.status is Status.SCHEDULED:
        return Waiting.SCHEDULE
    if recipient.status is Status.QUEUED:
        return recipient.waits_for or Waiting.ROUND
    return Waiting.EVIDENCE


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
