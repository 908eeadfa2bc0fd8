"""Changes that are told to a real feed, and the numbers that they must come to."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from app.domain.change_payload import payload_of
from app.domain.change_types import ChangeType
from app.domain.changes import EmailChange, changes
from app.domain.email import Role
from app.domain.head import Recipient
from app.domain.listing import Known
from app.domain.shards import shard_of
from app.domain.stats import Tally, count, hour_of
from app.notify.count import CountChanges
from app.notify.stats import ReadStatistics
from app.store.change_feed import HELD_BACK_MS, PROMPT_MS, ChangeFeed
from app.store.change_items import DAY_MS, ChangeItem, partition_of
from app.store.shard_feed import ShardFeed
from app.store.stats import CountedHours
from tests.support.clock import Clock
from tests.support.samples import a_head

SHARDS = 2
HELD_BACK_S = (PROMPT_MS + HELD_BACK_MS) / 1000 + 0.01
DELIVERED: dict[str, Any] = {"was": "sent", "provider": "sendgrid", "type": ChangeType.DELIVERED}


def a_project() -> str:
    return f"p{uuid4().hex[:12]}"


def told(clock: Clock, project: str, people: int = 1, **fields: object) -> list[EmailChange]:
    """What became of the recipients of a new email: they are queued, or what `fields` of EmailChange say."""
    recipients = {f"{n}@example.net": Recipient(f"{n}@example.net", Role.TO) for n in range(people)}
    email_id = f"eml_{uuid4().hex}"
    shard = shard_of(email_id, SHARDS)
    head = a_head(clock.now_ms, email_id=email_id, recipients=recipients, version=1, project=project, shard=shard)
    found = changes(None, head, clock.now_ms)
    return [replace(one, **fields) for one in found]  # type: ignore[arg-type] # because they are those of EmailChange


def tell(clock: Clock, project: str, emails: int = 1, people: int = 1, **fields: object) -> list[EmailChange]:
    """The changes of so many emails, which are in the feed."""
    found = []
    for _ in range(emails):
        several = told(clock, project, people, **fields)
        ChangeFeed(clock, SHARDS).add(several, clock.now_ms)
        found += several
    return found


def known(*projects: str) -> Known:
    return Known(SHARDS, frozenset(projects))


def a_counter(clock: Clock, *projects: str) -> CountChanges:
    """A process that counts the feeds of these projects."""
    return CountChanges(ShardFeed(clock), CountedHours(), lambda: known(*projects), clock)


def a_reader(clock: Clock, *projects: str) -> ReadStatistics:
    return ReadStatistics(ShardFeed(clock), CountedHours(), lambda: known(*projects), clock)


def tally(told: Iterable[EmailChange]) -> Tally:
    return count(payload_of(change) for change in told)


def recorded(project: str, first_ms: int, days: int) -> dict[int, Tally]:
    """By hour, what the items of the feed hold of these days, without regard to any place."""
    hours: dict[int, Tally] = {}
    for day in range(first_ms // DAY_MS, first_ms // DAY_MS + days):
        for shard in range(SHARDS):
            for item in ChangeItem.query(partition_of(project, day, shard), consistent_read=True):
                hours.setdefault(hour_of(int(item.part[:13])), Counter()).update(count(item.changes))
    return hours


def stored(project: str) -> dict[int, Tally]:
    """By hour, the numbers that are stored of a project."""
    hours: dict[int, Tally] = {}
    for shard in range(SHARDS):
        for hour in CountedHours().between(project, shard, 0, 999_999_999):
            hours.setdefault(hour.hour, Counter()).update(hour.tally)
    return {hour: found for hour, found in hours.items() if found}


def total(hours: Iterable[Tally]) -> Tally:
    sums: Tally = Counter()
    for one in hours:
        sums.update(one)
    return sums


def ids(changes: Sequence[EmailChange]) -> list[str]:
    return [change.id for change in changes]
