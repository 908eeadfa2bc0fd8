"""Dead letters of what applications are told: notifications, and parts of the emails' stream that were given up."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.notification_queue import read_message
from app.notify.notification import Notification

# How long before it changed an email was accepted at most, but for those that are scheduled: what RETRY_FOR_S may say.
ACCEPTED_BEFORE: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class UnpublishedWrites:
    """Writes of which nobody was told, made from `first` to `last` (RFC 3339; "" if that is not said)."""

    writes: int
    first: str
    last: str

    def __str__(self) -> str:
        """What it is, and what to do."""
        when = f" from {self.first} to {self.last}" if self.first else ""
        return f"changes of {self.writes} writes{when} that were not told: {self.remedy}"

    @property
    def remedy(self) -> str:
        """The command that tells them from the emails, which are all still there."""
        return f"events rebuild --notify --from {self._since()}"

    def _since(self) -> str:
        try:
            first = datetime.fromisoformat(self.first)
        except ValueError:
            return "TIME"
        return (first - ACCEPTED_BEFORE).isoformat(timespec="seconds").replace("+00:00", "Z")


def unpublished_in(body: str) -> UnpublishedWrites | None:
    """The part of a stream that a message says was given up. None if it says no such thing.

    Lambda sends the place of the records, and not the records ("Retaining discarded batches for a DynamoDB event
    source", Lambda Developer Guide, read 2026-11-30).
    """
    try:
        found = json.loads(body)["DDBStreamBatchInfo"]
        times = (found.get(f"approximateArrivalOf{which}Record", "") for which in ("First", "Last"))
        return UnpublishedWrites(int(found["batchSize"]), *map(str, times))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def notification_in(body: str) -> Notification | None:
    """The notification that was received too often, or that its topic could not hand on. None if it is none."""
    try:
        return read_message(body)
    except (KeyError, TypeError, ValueError):
        return None


def described(notification: Notification) -> dict[str, Any]:
    """What `dead-letters list` says of a notification: ids and names only."""
    names = ("event_id", "type", "project", "endpoint_id", "email_id", "tries")
    return {name: getattr(notification, name) for name in names}
