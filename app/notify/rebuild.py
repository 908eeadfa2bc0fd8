"""rebuild: tell what the stream has not told, from the heads and the events as they are stored."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from app.domain.change_types import REPORTS
from app.domain.changes import EmailChange
from app.domain.head import Head
from app.domain.listing import Position
from app.domain.missing_changes import InFeed, missing_changes, missing_reports
from app.notify.ports import FeedWriter, HeadReader, ReadFeedSince, StoredEvents
from app.notify.publish_changes import PublishChanges

log = logging.getLogger(__name__)

# Emails of a project that are compared together, by one reading of its feed: some hundred bytes of memory for each.
COMPARED_TOGETHER: Final = 50_000
READ_TOGETHER: Final = 100
SIDE_BY_SIDE: Final = 16
# What was written within this time may be on its way through the stream, which would tell it under other ids.
SETTLED_MS: Final = 15 * 60_000
Result = TypeVar("Result")
DAY_MS: Final = 86_400_000
KNOWN_MS: Final = 29 * DAY_MS  # the feed is kept for a day more
SKEW_MS: Final = 60_000  # by which the clock that accepted an email may have been ahead of the one that told of it


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was done: emails that were compared, and changes that were told.

    `left_alone` were written too recently. `passed_over` are gone, or cannot be read, or were written by a release that
    did not say when. Of an email some of whose notifications were not taken (`unpublished`), nothing is told: running
    it again publishes all of them again.
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
    """Heals the feed. To run it again tells nothing.

    `emails` finds those of a project that were accepted between two times (the second excluded), the newest first.
    """

    projects: Callable[[], Collection[str]]
    emails: Callable[[str, int, int], Iterator[Position]]
    feed_since: ReadFeedSince
    heads: HeadReader
    events: StoredEvents
    feed: FeedWriter
    publish_changes: PublishChanges

    def __call__(
        self, from_ms: int, to_ms: int, written_before_ms: int, *, notify: bool = False, project: str | None = None
    ) -> Iterator[Rebuilt]:
        """Compare the emails that were accepted from `from_ms` on and before `to_ms`, and tell what was not told.

        What was written at `written_before_ms` or later is left to the stream. With `notify`, what is told is published
        to the endpoints, too; else it is in the feed only. Yields what was done, part by part. Raises ValueError for
        emails that the feed does not know any more, and what the stores raise; what was told until then stays told.
        """
        if from_ms < self.publish_changes.clock() * 1000 - KNOWN_MS:
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
                found = _each(pool, [partial(self._missing, one, in_feed[one.email_id], before_ms) for one in settled])
                missing = [one for one in found if one.groups]
                refused = self._publish(missing) if notify else Counter()
                counts = _each(pool, [partial(self._write, one) for one in missing if one.head.email_id not in refused])
                done += Rebuilt(changes=sum(counts), unpublished=refused.total())
        return done

    def _in_feed(self, project: str, window: Sequence[Position]) -> dict[str, InFeed]:
        """What the feed says of each of these emails."""
        found = {email_id: InFeed() for _, email_id in window}
        for entry in self.feed_since(project, window[-1][0] - SKEW_MS):
            if known := found.get(entry["data"]["email_id"]):
                known.see(entry)
        return found

    def _missing(self, head: Head, in_feed: InFeed, before_ms: int) -> "_Missing":
        """What is missing of one email: what its head says, then what its events say."""
        missing = missing_changes(head, in_feed)
        groups = [(missing, head.written_at_ms)] if missing else []
        stored = [
            one
            for one in self.events.stored(head.email_id)
            if one.at_ms < before_ms and REPORTS[one.event.kind] is not None
        ]
        return _Missing(
            head, [*groups, *(((change,), one.at_ms) for one, change in missing_reports(head, stored, in_feed))]
        )

    def _publish(self, missing: Iterable["_Missing"]) -> Counter[str]:
        """Publish notifications of what is missing. Returns of how many of each email were not taken.

        They are published before the feed is written: who follows one that died between finds them missing, and
        publishes them again under the same ids.
        """
        if self.publish_changes.publish is None:
            return Counter()
        found = {
            (one.event_id, one.endpoint_id): (email.head.email_id, one)
            for email in missing
            for changes, _ in email.groups
            for one in self.publish_changes.notifications(changes, email.head.webhook_url)
        }
        refused = self.publish_changes.publish([one for _, one in found.values()]) if found else []
        for one, reason in refused:
            log.warning(
                "not published", extra={"event_id": one.event_id, "endpoint_id": one.endpoint_id, "reason": reason}
            )
        return Counter(found[one.event_id, one.endpoint_id][0] for one, _ in refused)

    def _write(self, missing: "_Missing") -> int:
        """Write it to the feed. Returns how many changes it is."""
        for changes, written_ms in missing.groups:
            self.feed.add(changes, written_ms)
        return sum(len(changes) for changes, _ in missing.groups)


def _each(pool: ThreadPoolExecutor, calls: Iterable[Callable[[], Result]]) -> list[Result]:
    """What the calls return, which are made side by side. Raises what the first of them failed with."""
    begun = [pool.submit(copy_context().run, call) for call in calls]
    return [one.result() for one in begun]


class _Missing(NamedTuple):
    """What is missing of one email, in its order: changes that are told together, and when they were written."""

    head: Head
    groups: Sequence[tuple[Sequence[EmailChange], int]]
