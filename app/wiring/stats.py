"""Builds what counts the feed, and what reads the numbers."""

from app.domain.freshness import Clock
from app.notify.count import CountChanges
from app.notify.stats import ReadStatistics
from app.store.partitions import Partitions
from app.store.shard_feed import ShardFeed
from app.store.stats import CountedHours


def build_count(partitions: Partitions, clock: Clock) -> CountChanges:
    """The job of the sweep that counts what the feed tells."""
    return CountChanges(ShardFeed(clock), CountedHours(), partitions.known, clock)


def build_statistics(partitions: Partitions, clock: Clock) -> ReadStatistics:
    """The use case that reads the numbers."""
    return ReadStatistics(ShardFeed(clock), CountedHours(), partitions.known, clock)
