"""What was never told of an email: its head and its events, compared with what the feed says of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.domain.change_types import REPORTS, WORDS, ChangeType
from app.domain.changes import SEQUENCE_STEP, EmailChange, changes, numbered, reported
from app.domain.head import Head, Status
from app.domain.written import EventStored

_STATUSES: Final = frozenset(change.value for change in WORDS)
_REPORTS: Final = frozenset(change.value for change in REPORTS.values() if change is not None)


@dataclass(slots=True)
class InFeed:
    """What the feed says of one email.

    `statuses` are by address, each with the sequence of the change that told it; `failovers` are addresses and numbers
    of attempts; `indexes` has the last index that was told of each version; `reports` are the ids of reports.
    """

    statuses: dict[str, tuple[int, str]] = field(default_factory=dict)
    failovers: set[tuple[str, int]] = field(default_factory=set)
    indexes: dict[int, int] = field(default_factory=dict)
    reports: set[str] = field(default_factory=set)

    def see(self, entry: Mapping[str, Any]) -> None:
        """Take in an entry of the feed (`app.domain.change_payload`), which may come in any order."""
        kind, data = entry["type"], entry["data"]
        if kind in _REPORTS:
            self.reports.add(entry["id"])
            return
        sequence, address = int(data["sequence"]), data["recipient"]
        version, index = divmod(sequence, SEQUENCE_STEP)
        self.indexes[version] = max(index, self.indexes.get(version, -1))
        if kind == ChangeType.FAILED_OVER:
            self.failovers.add((address, int(data["attempt"])))
        elif kind in _STATUSES and sequence >= self.statuses.get(address, (0, ""))[0]:
            self.statuses[address] = sequence, data["status"]


def missing_changes(head: Head, in_feed: InFeed) -> tuple[EmailChange, ...]:
    """What leads each recipient of `head` from what was told of it to what it is, and the failovers that were not told.

    They are told under the version of the head, at the time at which it was written, and behind what was told of that
    version; so once they are told, nothing is missing. Nothing is missing either of an email of which more was told
    than this head knows: the table was restored to an earlier state.
    """
    if max(in_feed.indexes, default=0) > head.version:
        return ()
    known = {
        key: replace(recipient, status=Status(in_feed.statuses[recipient.address][1]))
        for key, recipient in head.recipients.items()
        if recipient.address in in_feed.statuses
    }
    found = changes(replace(head, recipients=known, next_attempt=1), head, head.written_at_ms)
    missing = [one for one in found if (one.recipient, one.attempt) not in in_feed.failovers or not _is_failover(one)]
    return numbered(missing, in_feed.indexes.get(head.version, -1) + 1)


def missing_reports(
    head: Head, events: Iterable[EventStored], in_feed: InFeed
) -> list[tuple[EventStored, EmailChange]]:
    """What is to be told of those of the email's events of which nothing was told."""
    return [
        (stored, change) for stored in events for change in reported(stored, head) if change.id not in in_feed.reports
    ]


def _is_failover(change: EmailChange) -> bool:
    return change.type is ChangeType.FAILED_OVER
