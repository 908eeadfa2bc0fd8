"""What counting needs of the outside. `app.store` implements it."""

from collections.abc import Callable
from typing import Protocol

from app.domain.listing import Known
from app.domain.stats import Behind, CountedHour

KnownPartitions = Callable[[], Known]
"""All projects and shards that were ever written to."""


class FeedOfShards(Protocol):
    """Reads the feed shard by shard (`app.store.shard_feed.ShardFeed`)."""

    def behind(self, project: str, shard: int, after: str | None, most: int, before_ms: int | None = None) -> Behind:
        """What is recorded behind the place `after` (None: the oldest that is kept), and before `before_ms` if given.

        About `most` changes; there may be more although there are fewer of them.
        """


class HourStore(Protocol):
    """Stores what was counted (`app.store.stats.CountedHours`)."""

    def newest(self, project: str, shard: int) -> CountedHour | None:
        """The last hour that was counted. None: there is none."""

    def between(self, project: str, shard: int, first: int, last: int) -> list[CountedHour]:
        """Those from the hour `first` to the hour `last`, in their order."""

    def add(self, project: str, shard: int, more: CountedHour, before: str | None) -> bool:
        """Add what was counted from the place `before` on (None: nothing of this hour was stored), up to its `until`.

        Returns False, and stores nothing, if the hour is not counted up to there any more, or was begun meanwhile.
        """
