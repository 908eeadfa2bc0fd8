"""Numbers of emails, counted from what is told of them: so many of each outcome, by hour, project and account.

Recipients are counted, and each as often as it is told: an hour has what happened in it. A change is counted once if
whoever counts remembers the version, because the changes of a version are always the same.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from app.domain.change_types import ChangeType
from app.domain.changes import EmailChange

HOUR_MS: Final = 3_600_000

ACCEPTED: Final = "accepted"
AFTER_FAILOVER: Final = "delivered_after_failover"
_BUCKET: Final = "within_"

# Each bucket of times to delivery is at most so much wider than the one before, so that the middle of a bucket is at
# most 12 % from any time in it.
_GROWTH: Final = 1.25
_LONGEST_MS: Final = 31 * 24 * HOUR_MS


class Slot(NamedTuple):
    """What is counted together: an hour of the Unix epoch, a project, an account ("": none was called)."""

    hour: int
    project: str
    account: str


Counts = Mapping[str, int]  # by name: an outcome, an outcome and its cause (`bounced:mailbox`), or a bucket


def _buckets() -> list[int]:
    """Where each bucket of times begins, in milliseconds. Each time below 4 ms has one of its own."""
    starts = [1]
    while starts[-1] <= _LONGEST_MS:
        starts.append(max(starts[-1] + 1, math.floor(starts[-1] * _GROWTH)))
    return starts


_STARTS: Final = tuple(_buckets())


def count(changes: Iterable[EmailChange]) -> Counter[tuple[Slot, str]]:
    """What these changes add to each slot, by name."""
    return Counter(
        (Slot(change.at_ms // HOUR_MS, change.project, account), name)
        for change in changes
        for account, name in _names(change)
    )


def _names(change: EmailChange) -> Iterator[tuple[str, str]]:
    if change.was is None:
        yield "", ACCEPTED
    outcome = change.type.removeprefix("email.")
    yield change.provider, f"{outcome}:{change.cause}" if change.cause else outcome
    if change.type is ChangeType.DELIVERED:
        if change.after_failover:
            yield change.provider, AFTER_FAILOVER
        yield change.provider, f"{_BUCKET}{bucket_of(change.at_ms - change.starts_at_ms)}"


def bucket_of(time_ms: int) -> int:
    """The number of the bucket that holds this time to delivery. Times beyond the ends count as the ends."""
    return bisect_right(_STARTS, max(1, min(time_ms, _LONGEST_MS))) - 1


def quantile_ms(counts: Counts, share: float) -> int | None:
    """The time within which `share` (above 0, at most 1) of the deliveries were made. None: there were none.

    It is at most 12 % from the one that all times sorted would give (that of rank ⌈share · n⌉).
    """
    buckets = {int(name.removeprefix(_BUCKET)): n for name, n in counts.items() if name.startswith(_BUCKET)}
    rank = math.ceil(share * sum(buckets.values()))
    for bucket in sorted(buckets):
        rank -= buckets[bucket]
        if rank <= 0:
            return round(math.sqrt(_STARTS[bucket] * (_STARTS[bucket + 1] - 1)))
    return None


def summarize(counts: Counts) -> dict[str, Any]:
    """The numbers of one row of statistics, from counts that are added up already."""
    sums: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    for name, n in counts.items():
        outcome, _, cause = name.partition(":")
        sums[outcome] += n
        if outcome == "bounced":
            causes[cause or "unknown"] += n
    outcomes = (one.removeprefix("email.") for one in ChangeType)
    return {
        ACCEPTED: sums[ACCEPTED],
        **{outcome: sums[outcome] for outcome in outcomes},
        "bounced_by_cause": dict(sorted(causes.items())),
        AFTER_FAILOVER: sums[AFTER_FAILOVER],
        "time_to_delivery_ms": {"p50": quantile_ms(counts, 0.5), "p95": quantile_ms(counts, 0.95)},
    }
