"""publish_changes: record in the feed what became of emails, and publish it to each endpoint that wants it."""

import logging
import math
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from app.domain.change_types import REPORTS
from app.domain.changes import EmailChange, changes, reported
from app.domain.freshness import Clock
from app.domain.written import EventStored, Written
from app.errors import Unreadable
from app.faults import log_fault
from app.notify.notification import Notification
from app.notify.ports import (
    EndpointStore,
    FeedWriter,
    HeadReader,
    PublishNotifications,
    ReadRecord,
    Record,
)
from app.notify.receivers import notifications_of

log = logging.getLogger(__name__)

SIDE_BY_SIDE: Final = 16  # emails of one batch
PUBLISHED_TOGETHER: Final = 50  # notifications that one thread publishes


@dataclass(slots=True)
class _Run:
    """What came of the records of one email. `failed` is the index in the batch of the first that was not told."""

    failed: int | None = None
    is_late: bool = False
    changes: int = 0
    notifications: list[tuple[int, Notification]] = field(default_factory=list)


@dataclass(frozen=True)
class PublishChanges:
    """Records in the feed what became of emails, and publishes it, from the records of the table's stream.

    A stream record that comes again adds nothing to the feed, and publishes the same notifications under the same ids.
    The feed is written before anything is published. Without `publish`, only the feed is written. A stream record that
    this version cannot read is passed over, which raises an alarm; `rebuild` makes up for it once it can be read.
    """

    read: ReadRecord
    heads: HeadReader
    feed: FeedWriter
    endpoints: EndpointStore
    publish: PublishNotifications | None
    clock: Clock
    monotonic: Clock = time.monotonic

    def __call__(self, records: Sequence[Record], within_s: float = math.inf) -> str | None:
        """Handle these records of one shard, in the order of the stream. Returns where to go on: None, if all are done.

        That is the sequence number of the first record that is not done. The later records of the same email are left
        undone, too; other emails do not wait. A record that has not begun within `within_s` is left undone, except for
        the first one, because a later run would have no more time for it. Raises KeyError if a record has no key
        or number.
        """
        until_s = self.monotonic() + within_s
        by_email: dict[str, list[tuple[int, Record]]] = {}
        for index, record in enumerate(records):
            by_email.setdefault(_email_id(record), []).append((index, record))
        runs = self._side_by_side(list(by_email.values()), until_s)
        unpublished = self._publish([one for run in runs for one in run.notifications])
        failed = [*(run.failed for run in runs if run.failed is not None), *unpublished]
        self._log(records, runs, failed, len(unpublished))
        return _number(records[min(failed)]) if failed else None

    def _side_by_side(self, emails: Sequence[Sequence[tuple[int, Record]]], until_s: float) -> list[_Run]:
        if len(emails) < 2:
            return [self._publish_email(one, until_s) for one in emails]
        with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(emails)), thread_name_prefix="changes") as pool:
            # Each in a copy of this context, so that its lines have the request id, too.
            begun = [pool.submit(copy_context().run, self._publish_email, one, until_s) for one in emails]
            return [one.result() for one in begun]

    def _publish_email(self, records: Iterable[tuple[int, Record]], until_s: float) -> _Run:
        """Handle the records of one email in their order, up to the first that fails."""
        run = _Run()
        for index, record in records:
            if index and self.monotonic() >= until_s:
                run.failed, run.is_late = index, True
                break
            fields = {"email_id": _email_id(record), "sequence_number": _number(record)}
            try:
                self._publish_record(index, record, run)
            except Unreadable:  # however often it comes: all emails behind it would wait for the hours of its tries
                log.error("record passed over", extra=fields)  # noqa: TRY400 because what is wrong was logged
            except Exception as error:  # noqa: BLE001 because whatever it was, the other emails are told
                log_fault(log, "record not published", error, **fields)
                run.failed = index
                break
        return run

    def _publish_record(self, index: int, record: Record, run: _Run) -> None:
        written = self.read(record)
        if written is None:
            return
        found, webhook_url = self._changes(written)
        notifications = list(self.notifications(found, webhook_url))
        self.feed.add(found, written.at_ms)
        run.changes += len(found)
        run.notifications += [(index, one) for one in notifications]

    def _changes(self, written: Written) -> tuple[tuple[EmailChange, ...], str]:
        """What became of an email by that write, and the `webhook_url` of the email."""
        if not isinstance(written, EventStored):
            return changes(written.old, written.new, written.at_ms), written.new.webhook_url
        if REPORTS[written.event.kind] is None:  # as of most of them: the head is not asked for
            return (), ""
        head = self.heads.get(written.event.email_id)
        if head is None:
            log.warning("email gone, its event is not told", extra={"email_id": written.event.email_id})
            return (), ""
        return reported(written, head), head.webhook_url

    def notifications(self, found: Sequence[EmailChange], webhook_url: str) -> Iterable[Notification]:
        """What is to be published of changes of one email, which has that URL of its own ("": none)."""
        if self.publish is None or not found:
            return
        endpoints, now_ms = self.endpoints.known(found[0].project), int(self.clock() * 1000)
        for change in found:
            yield from notifications_of(change, endpoints, webhook_url, now_ms)

    def _publish(self, indexed: Sequence[tuple[int, Notification]]) -> list[int]:
        """Publish notifications, each with the index of its record. Returns the indexes of what was not taken."""
        if self.publish is None or not indexed:
            return []
        publish = self.publish
        parts = [indexed[at : at + PUBLISHED_TOGETHER] for at in range(0, len(indexed), PUBLISHED_TOGETHER)]
        with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(parts)), thread_name_prefix="publish") as pool:
            begun = [pool.submit(copy_context().run, partial(publish, [one for _, one in part])) for part in parts]
            refused = {(one.event_id, one.endpoint_id): reason for answer in begun for one, reason in answer.result()}
        for (event_id, endpoint_id), reason in refused.items():
            log.warning("not published", extra={"event_id": event_id, "endpoint_id": endpoint_id, "reason": reason})
        return [index for index, one in indexed if (one.event_id, one.endpoint_id) in refused]

    def _log(self, records: Sequence[Record], runs: Sequence[_Run], failed: Sequence[int], unpublished: int) -> None:
        written_s = [record["dynamodb"].get("ApproximateCreationDateTime", math.inf) for record in records]
        oldest_s = min(written_s, default=math.inf)
        log.info(
            "changes published",
            extra={
                "records": len(records),
                "emails": len(runs),
                "changes": sum(run.changes for run in runs),
                "notifications": sum(len(run.notifications) for run in runs),
                "unpublished": unpublished,
                "late": sum(run.is_late for run in runs),
                "failed": len(failed),
                "age_ms": max(0, int((self.clock() - oldest_s) * 1000)) if math.isfinite(oldest_s) else None,
            },
        )


def _email_id(record: Record) -> str:
    return str(record["dynamodb"]["Keys"]["email_id"]["S"])


def _number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])
