"""What counts the feed of a random run, by counters that die, and the recount of the heads that it must agree with."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from unittest.mock import patch

from app.domain.change_types import word_of
from app.domain.head import Head
from app.domain.listing import Known
from app.domain.stats import ACCEPTED
from app.errors import ServiceUnavailable
from app.notify.count import CountChanges
from app.notify.stats import ReadStatistics, Step
from app.store.change_feed import Entry
from app.store.shard_feed import ShardFeed
from app.store.stats import CountedHours, StatsItem
from tests.support.clock import Clock
from tests.support.crash import Crash
from tests.support.faults import FaultInjector, FaultMode

SAVE = StatsItem.save


class Counted:
    """The numbers of these projects, whose feeds have so many shards."""

    def __init__(self, clock: Clock, projects: Sequence[str], shards: int, fails: FaultInjector) -> None:
        self._clock, self._projects, self._fails = clock, projects, fails
        self._known = Known(shards, frozenset(projects))
        self._counter = self._new_counter()

    def _new_counter(self) -> CountChanges:
        return CountChanges(ShardFeed(self._clock), CountedHours(), lambda: self._known, self._clock)

    def count(self, chance: random.Random) -> int:
        """Count what can be counted, perhaps by a process that dies at one of its writes. Returns how many died."""
        if chance.random() < 0.5:
            self._fails.arm((chance.randrange(1, 4), chance.choice([FaultMode.BEFORE, FaultMode.AFTER])))
        try:
            with patch.object(StatsItem, "save", self._fails.wrap(SAVE)):
                self._counter(60)
        except (Crash, ServiceUnavailable):
            self._counter = self._new_counter()
            return 1
        finally:
            self._fails.arm(None)
        return 0

    def is_what_became(self, heads: Iterable[Head], told: Sequence[Entry]) -> None:
        """Assert that the numbers are what the heads say now, and what was told until then."""
        read = ReadStatistics(ShardFeed(self._clock), CountedHours(), lambda: self._known, self._clock)
        heads = list(heads)
        for project in self._projects:
            found = read(project, self._clock.now_ms - 30 * 86_400_000, None, Step.HOUR, is_by_account=False)
            counts: Counter[str] = Counter()
            for row in found.rows:
                for name, number in row.counts.items():
                    counts[name.partition(":")[0]] += number
            statuses = Counter(
                word_of(recipient.status)
                for head in heads
                if head.project == project
                for recipient in head.recipients.values()
            )
            assert counts[ACCEPTED] == statuses.total(), "accepted"
            left = Counter(
                entry["data"]["previous_status"]
                for entry in told
                if entry["data"]["project"] == project.rpartition(":")[2]
                and entry["data"].get("test", False) is project.startswith("test:")
                and entry["data"]["previous_status"] not in (None, entry["data"]["status"])
            )
            for word in {*statuses, *left}:
                assert counts[word] - left[word] == statuses[word], word
