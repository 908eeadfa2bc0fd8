"""Builds what heals the feed from the heads and the events as they are stored."""

from collections.abc import Iterator, Mapping
from functools import partial
from heapq import merge
from itertools import takewhile
from typing import Any, Final

from app.domain.freshness import Clock
from app.domain.listing import Position
from app.notify.ports import PublishNotifications
from app.notify.rebuild import Rebuild
from app.settings import Settings
from app.store.change_feed import ChangeFeed, FeedPosition
from app.store.entries import created_shard
from app.store.events import Events
from app.store.heads import Heads
from app.store.partitions import Partitions
from app.wiring.changes import build_publish_changes

PAGE: Final = 1000  # entries of the feed


def build_rebuild(settings: Settings, clock: Clock, publish: PublishNotifications | None) -> Rebuild:
    """What heals the feed, over the tables. Without `publish`, nothing can be published."""
    heads, partitions = Heads(), Partitions(clock, shards=settings.shards)
    feed = ChangeFeed(clock, settings.shards)
    return Rebuild(
        projects=lambda: partitions.read().projects,
        emails=partial(emails_of, heads, partitions),
        feed_since=partial(feed_since, feed, partitions),
        heads=heads,
        events=Events(),
        feed=feed,
        publish_changes=build_publish_changes(settings, clock, publish),
    )


def emails_of(heads: Heads, partitions: Partitions, project: str, from_ms: int, to_ms: int) -> Iterator[Position]:
    """The emails of a project that were accepted from `from_ms` on and before `to_ms`, the newest first."""
    shards = range(partitions.read().shards)
    newest = [heads.created(created_shard(project, shard), to_ms - 1) for shard in shards]
    return takewhile(lambda position: position[0] >= from_ms, merge(*newest, reverse=True))


def feed_since(feed: ChangeFeed, partitions: Partitions, project: str, from_ms: int) -> Iterator[Mapping[str, Any]]:
    """The entries of a project's feed that were recorded since then."""
    position, is_last = FeedPosition.at(from_ms), False
    while not is_last:
        entries, position, is_last = feed.read(project, position, PAGE, shards=partitions.read().shards)
        yield from entries
