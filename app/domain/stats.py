"""Numbers of emails, counted from what is told of them: so many of each outcome, by hour, project and account.

Recipients are counted, and each as often as it is told: an hour has what was told in it. What is counted is a change as
applications get it (`change_payload`), so that the feed holds all that numbers need.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from app.domain.change_types import ChangeType

HOUR_MS: Final = 3_600_000

ACCEPTED: Final = "accepted"
AFTER_FAILOVER: Final = "delivered_after_failover"
_BUCKET: Final = "within_"

# Each bucket of times to delivery is at most so much wider than the one before, so that the middle of a bucket is at
# most 12 % from any time in it.
_GROWTH: Final = 1.25
_LONGEST_MS: Final = 31 * 24 * HOUR_MS

Payload = Mapping[str, Any]  # `type`, `timestamp` and `data` of a change, as `change_payload.payload_of` makes it
Tally = Counter[tuple[str, str]]  # by account ("": none was called) and name
Counts = Mapping[str, int]  # by name: an outcome, an outcome and its cause (`bounced:mailbox`), or a bucket


class Recorded(NamedTuple):
    """What the feed recorded under one time, of one email."""

    at_ms: int
    payloads: list[Payload]


class Behind(NamedTuple):
    """What a shard of a project's feed has behind a position, in its order.

    `until` is the position that was read up to, and `until_ms` its time. `is_all`: there is nothing more to read yet.
    """

    records: list[Recorded]
    until: str
    until_ms: int
    is_all: bool


class CountedHour(NamedTuple):
    """An hour of the Unix epoch, the position in the feed up to which it is counted, and what was counted."""

    hour: int
    until: str
    tally: Tally


def position_at(at_ms: int) -> str:
    """The position in the feed before all that is recorded under that time."""
    return f"{at_ms:013d}"


def hour_of(at_ms: int) -> int:
    """The hour of the Unix epoch that this time is in."""
    return at_ms // HOUR_MS


def _buckets() -> list[int]:
    """Where each bucket of times begins, in milliseconds. Each time below 4 ms has one of its own."""
    starts = [1]
    while starts[-1] <= _LONGEST_MS:
        starts.append(max(starts[-1] + 1, math.floor(starts[-1] * _GROWTH)))
    return starts


_STARTS: Final = tuple(_buckets())


def count(payloads: Iterable[Payload]) -> Tally:
    """What these changes add, by account and name."""
    return Counter(name for payload in payloads for name in _names(payload))


def _names(payload: Payload) -> Iterator[tuple[str, str]]:
    data = payload["data"]
    account = data["provider"] or ""
    if data["previous_status"] is None:
        yield "", ACCEPTED
    outcome = payload["type"].removeprefix("email.")
    yield account, f"{outcome}:{data['cause']}" if data["cause"] else outcome
    if payload["type"] == ChangeType.DELIVERED:
        if data.get("after_failover"):
            yield account, AFTER_FAILOVER
        yield account, f"{_BUCKET}{bucket_of(data['time_to_delivery_ms'])}"


def by_name(tally: Tally) -> Counter[str]:
    """The same numbers for all accounts together."""
    sums: Counter[str] = Counter()
    for (_, name), n in tally.items():
        sums[name] += n
    return sums


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
