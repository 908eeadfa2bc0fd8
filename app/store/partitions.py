"""Remembers into which shards and projects an email was ever written, so that no reader overlooks one."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.exceptions import PutError
from pynamodb.models import Model

from app.domain.backoff import backoff_s
from app.domain.freshness import Clock, Clocks, Moment
from app.domain.listing import Known
from app.domain.shards import SHARDS
from app.errors import Contention
from app.store.entries import created_shard
from app.store.failures import is_condition_failed

CACHE_FOR_S = 10.0  # the first email of a project, or of a new shard, is listed within this time
TRIES = 20
FIRST_WAIT_S, LONGEST_WAIT_S = 0.005, 0.2  # before another try


class PartitionsItem(Model):
    """One item for the whole installation, which only grows. It lives in the emails table; email ids hold no `#`."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    email_id = UnicodeAttribute(hash_key=True, default="partitions#")
    part = UnicodeAttribute(range_key=True, default="partitions")
    version = NumberAttribute()
    shards = NumberAttribute()
    projects = UnicodeSetAttribute()


class Partitions:
    """Knows every shard and every project, through a cache of some seconds."""

    def __init__(self, clock: Clock, monotonic: Clock = time.monotonic, shards: int = SHARDS) -> None:
        """`shards` is how many this process writes to. A smaller number than an earlier one hides nothing."""
        self._clocks = Clocks(clock, monotonic)
        self._shards = shards
        self._known = Known(shards, frozenset())
        self._noted: frozenset[str] = frozenset()
        self._read_at: Moment | None = None

    def note(self, project: str) -> None:
        """Let every reader know of this project, and of our shards. Call it before an email of the project is stored.

        A process asks the store once for each project. Raises Contention if the store does not take it.
        """
        if project in self._noted:
            return
        for number in range(1, TRIES + 1):
            if _is_stored(Known(self._shards, frozenset({project}))):
                self._learn(Known(self._shards, frozenset({project})))
                self._noted |= {project}
                return
            time.sleep(backoff_s(number, FIRST_WAIT_S, LONGEST_WAIT_S))
        raise Contention(f"{TRIES} writes of the partitions lost to other writers")

    def known(self) -> Known:
        """All shards and projects, as they were stored `CACHE_FOR_S` ago or later."""
        return self._known if self._clocks.is_within(self._read_at, CACHE_FOR_S) else self.read()

    def read(self) -> Known:
        """All shards and projects, as they are stored now."""
        read_at = self._clocks.now()
        item = _read()
        if item is not None:
            self._learn(_known(item))
        self._read_at = read_at
        return self._known

    @property
    def shards(self) -> "Shards":
        """The numbers of all shards, read anew by each iteration."""
        return Shards(self)

    @property
    def created(self) -> "Created":
        """The keys of all partitions of the index of all emails, read anew by each iteration."""
        return Created(self)

    def _learn(self, more: Known) -> None:
        self._known = _together(self._known, more)


@dataclass(frozen=True)
class Shards:
    """The numbers of all shards that were ever written to. Each iteration asks `partitions` anew."""

    partitions: Partitions

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.partitions.known().shards))


@dataclass(frozen=True)
class Created:
    """The keys of all partitions of the index of all emails. Each iteration asks `partitions` anew."""

    partitions: Partitions

    def __iter__(self) -> Iterator[str]:
        known = self.partitions.known()
        return (created_shard(project, shard) for project in sorted(known.projects) for shard in range(known.shards))


def _read() -> PartitionsItem | None:
    try:
        return PartitionsItem.get("partitions#", "partitions", consistent_read=True)
    except PartitionsItem.DoesNotExist:
        return None


def _known(item: PartitionsItem) -> Known:
    return Known(int(item.shards), frozenset(item.projects))


def _together(one: Known, other: Known) -> Known:
    return Known(max(one.shards, other.shards), one.projects | other.projects)


def _is_stored(more: Known) -> bool:
    """Whether the store knows `more`, or knows it from now on. False: another writer was faster."""
    item = _read()
    before = _known(item) if item else Known(0, frozenset())
    after, version = _together(before, more), int(item.version) if item else 0
    if after == before:
        return True
    is_new = PartitionsItem.email_id.does_not_exist()
    try:
        PartitionsItem(version=version + 1, shards=after.shards, projects=set(after.projects)).save(
            condition=PartitionsItem.version == version if version else is_new
        )
    except PutError as error:
        if is_condition_failed(error):
            return False
        raise
    return True
