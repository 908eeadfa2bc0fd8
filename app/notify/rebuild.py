"""rebuild: tell what the stream has not told, from the heads and the events as they are stored."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from itertools import islice
from typing import Final

from app.domain.change_types import REPORTS
from app.domain.changes import EmailChange
from app.domain.head import Head
from app.domain.listing import Position
from app.domain.untold import InFeed, untold, untold_reports
from app.notify.ports import FeedWriter, HeadReader, ReadFeedSince, StoredEvents
from app.notify.tell import Tell

log = logging.getLogger(__name__)

# Emails of a project that are compared together, by one reading of its feed: some hundred bytes of memory for each.
COMPARED_TOGETHER: Final = 50_000
READ_TOGETHER: Final = 100
SIDE_BY_SIDE: Final = 16
# What was written within this time may be on its way through the stream, which would tell it under other ids.
SETTLED_MS: Final = 15 * 60_000
DAY_MS: Final = 86_400_000
KNOWN_MS: Final = 29 * DAY_MS  # the feed is kept for a day more
SKEW_MS: Final = 60_000  # by which the clock that accepted an email may have been ahead of the one that told of it


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was done: emails that were compared, and changes that were told.

    `left_alone` were written too recently. `passed_over` are gone, or cannot be read, or were written by a release that
    did not say when.
    """

    emails: int = 0
    left_alone: int = 0
    passed_over: int = 0
    changes: int = 0
    unpublished: int = 0

    def __add__(self, other: "Rebuilt") -> "Rebuilt":
        return Rebuilt(
            self.emails + other.emails,
            self.left_alone + other.left_alone,
            self.passed_over + other.passed_over,
            self.changes + other.changes,
            self.unpublished + other.unpublished,
        )


@dataclass(frozen=True)
class Rebuild:
    """Adds to the feed what it lacks. To run it again adds nothing.

    `emails` finds those of a project that were accepted between two times (the second excluded), the newest first.
    """

    projects: Callable[[], Collection[str]]
    emails: Callable[[str, int, int], Iterator[Position]]
    feed_since: ReadFeedSince
    heads: HeadReader
    events: StoredEvents
    feed: FeedWriter
    tell: Tell

    def __call__(
        self, from_ms: int, to_ms: int, written_before_ms: int, *, notify: bool = False, project: str | None = None
    ) -> Iterator[Rebuilt]:
        """Compare the emails that were accepted from `from_ms` on and before `to_ms`, and add what is missing.

        What was written at `written_before_ms` or later is left to the stream. With `notify`, what is told is published
        to the endpoints, too; else it is in the feed only. Yields what was done, part by part. Raises ValueError for
        emails that the feed does not know any more, and what the stores raise; what was told until then stays told.
        """
        if from_ms < self.tell.clock() * 1000 - KNOWN_MS:
            raise ValueError(
                f"lies more than {KNOWN_MS // DAY_MS} days back: the feed does not know what was told then"
            )
        for one in sorted(self.projects() if project is None else [project]):
            positions = self.emails(one, from_ms, to_ms)
            while window := list(islice(positions, COMPARED_TOGETHER)):
                yield self._compare(one, window, written_before_ms, notify=notify)

    def _compare(self, project: str, window: Sequence[Position], before_ms: int, *, notify: bool) -> Rebuilt:
        in_feed = self._in_feed(project, window)
        ids = list(in_feed)
        done = Rebuilt(emails=len(ids))
        with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="rebuild") as pool:
            for at in range(0, len(ids), READ_TOGETHER):
                some = ids[at : at + READ_TOGETHER]
                known = self.heads.get_many(some)
                settled = [head for head in known if head.written_at_ms < before_ms]
                done += Rebuilt(left_alone=len(known) - len(settled), passed_over=len(some) - len(known))
                begun = [
                    pool.submit(copy_context().run, self._heal, head, in_feed[head.email_id], before_ms)
                    for head in settled
                ]
                healed = [one.result() for one in begun]
                done += Rebuilt(changes=sum(len(changes) for _, changes in healed))
                if notify:
                    done += Rebuilt(unpublished=self._publish(healed))
        return done

    def _in_feed(self, project: str, window: Sequence[Position]) -> dict[str, InFeed]:
        """What the feed says of each of these emails."""
        found = {email_id: InFeed() for _, email_id in window}
        for entry in self.feed_since(project, window[-1][0] - SKEW_MS):
            if known := found.get(entry["data"]["email_id"]):
                known.see(entry)
        return found

    def _heal(self, head: Head, in_feed: InFeed, before_ms: int) -> tuple[Head, list[EmailChange]]:
        """Add what is missing of one email: what its head says, then what its events say."""
        missing = untold(head, in_feed)
        self.feed.add(missing, head.written_at_ms)
        stored = [
            one
            for one in self.events.stored(head.email_id)
            if one.at_ms < before_ms and REPORTS[one.event.kind] is not None
        ]
        reports = untold_reports(head, stored, in_feed)
        for one, change in reports:
            self.feed.add([change], one.at_ms)
        return head, [*missing, *(change for _, change in reports)]

    def _publish(self, healed: Iterable[tuple[Head, list[EmailChange]]]) -> int:
        """Publish notifications of what was told. Returns how many were not taken."""
        found = [one for head, changes in healed for one in self.tell.notifications(changes, head.webhook_url)]
        if not found or self.tell.publish is None:
            return 0
        refused = self.tell.publish(found)
        for one, reason in refused:
            log.warning(
                "not published", extra={"event_id": one.event_id, "endpoint": one.endpoint_id, "reason": reason}
            )
        return len(refused)
