"""Numbers are those of what was told, and quantiles are close to the exact ones."""

import json
import math
import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.change_payload import payload_of
from app.domain.change_types import ChangeType
from app.domain.changes import EmailChange, changes
from app.domain.head import Status
from app.domain.kinds import Cause
from app.domain.stats import ACCEPTED, AFTER_FAILOVER, HOUR_MS, bucket_of, by_name, count, quantile_ms, summarize
from tests.domain.change_walk import SETUPS, walk
from tests.support.samples import a_head
from tests.support.size import examples

DAY_MS = 24 * HOUR_MS


def a_change(change_type: ChangeType, at_ms: int = 5 * HOUR_MS, **fields: object) -> EmailChange:
    (change,) = changes(None, a_head(0, version=1, project="shop"), at_ms)
    known = {"type": change_type, "was": "sent", "provider": "a"} | fields
    return replace(change, **known)  # type: ignore[arg-type] # because the fields are those of EmailChange


def tally(*several: EmailChange) -> Counter[tuple[str, str]]:
    return count(json.loads(json.dumps(payload_of(change))) for change in several)


def names(*several: EmailChange) -> Counter[str]:
    return by_name(tally(*several))


def test_what_is_counted_of_whom() -> None:
    new = a_change(ChangeType.QUEUED, was=None, provider="")
    assert tally(new, new) == {("", ACCEPTED): 2, ("", "queued"): 2}
    bounced = a_change(ChangeType.BOUNCED, cause=Cause.MAILBOX)
    other = a_change(ChangeType.BOUNCED, cause=Cause.RECIPIENT, provider="b:eu")
    assert tally(bounced, other) == {("a", "bounced:mailbox"): 1, ("b:eu", "bounced:recipient"): 1}


def test_an_email_that_is_suppressed_at_once_is_accepted_as_well() -> None:
    assert names(a_change(ChangeType.SUPPRESSED, was=None, cause=Cause.RECIPIENT)) == {
        ACCEPTED: 1,
        "suppressed:recipient": 1,
    }


def test_a_delivery_counts_its_time_and_whether_another_account_was_called_before() -> None:
    delivered = a_change(ChangeType.DELIVERED, 2500, starts_at_ms=500)
    bucket = f"within_{bucket_of(2000)}"
    assert names(delivered) == {"delivered": 1, bucket: 1}
    assert names(replace(delivered, after_failover=True)) == {"delivered": 1, bucket: 1, AFTER_FAILOVER: 1}
    assert {account for account, _ in tally(replace(delivered, after_failover=True))} == {"a"}
    assert names(replace(delivered, type=ChangeType.SENT, after_failover=True)) == {"sent": 1}


def test_a_row_has_every_outcome_and_only_the_causes_that_there_are() -> None:
    row = summarize(
        names(
            a_change(ChangeType.QUEUED, was=None),
            a_change(ChangeType.BOUNCED, cause=Cause.MAILBOX),
            a_change(ChangeType.BOUNCED, cause=Cause.MAILBOX),
            a_change(ChangeType.BOUNCED),
            a_change(ChangeType.FAILED, cause=Cause.OUTAGE),
            a_change(ChangeType.FAILED, cause=Cause.CONTENT),
            a_change(ChangeType.DELIVERED, 1000, starts_at_ms=0, after_failover=True),
        )
    )
    assert {name: n for name, n in row.items() if n} == {
        ACCEPTED: 1,
        "queued": 1,
        "bounced": 3,
        "bounced_by_cause": {"mailbox": 2, "unknown": 1},
        "failed": 2,
        "delivered": 1,
        AFTER_FAILOVER: 1,
        "time_to_delivery_ms": row["time_to_delivery_ms"],
    }
    assert {one.removeprefix("email.") for one in ChangeType} < row.keys()
    assert row["time_to_delivery_ms"]["p50"] == pytest.approx(1000, rel=0.15)


def test_without_deliveries_there_is_no_time() -> None:
    assert summarize({})["time_to_delivery_ms"] == {"p50": None, "p95": None}


times = st.integers(1, 1000) | st.integers(1, 60_000) | st.integers(1, 31 * DAY_MS)


@settings(max_examples=examples(1000), deadline=None)
@given(st.lists(times, min_size=1, max_size=200), st.sampled_from([0.01, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_quantile_is_within_fifteen_percent_of_the_exact_one(found: list[int], share: float) -> None:
    counts = names(*(a_change(ChangeType.DELIVERED, at_ms, starts_at_ms=0) for at_ms in found))
    exact = sorted(found)[math.ceil(share * len(found)) - 1]
    estimated = quantile_ms(counts, share)
    assert estimated is not None
    assert abs(estimated - exact) <= 0.15 * exact


def test_every_time_has_a_bucket_and_there_are_few() -> None:
    assert bucket_of(-5) == bucket_of(0) == bucket_of(1) == 0
    assert bucket_of(31 * DAY_MS) == bucket_of(10**15) < 105
    assert quantile_ms({f"within_{bucket_of(10**15)}": 1}, 0.5) == pytest.approx(31 * DAY_MS, rel=0.15)
    assert all(bucket_of(ms) <= bucket_of(ms + 1) <= bucket_of(ms) + 1 for ms in range(1, 20_000))


def test_the_numbers_of_whole_runs_are_those_of_the_heads_after_them() -> None:
    chance = random.Random(11)  # noqa: S311 because nothing is hidden by it
    told: list[EmailChange] = []
    heads = []
    for number in range(120):
        walked = walk(SETUPS[number % len(SETUPS)], chance.randrange, 40)
        told += walked.changes
        heads.append(walked.heads[-1])
    sums = names(*told)
    people = [recipient for head in heads for recipient in head.recipients.values()]
    assert sums[ACCEPTED] == len(people)
    # Whoever was told to come into a status and not to leave it again is in it.
    left = Counter(one.was for one in told if one.was != one.status)
    came = Counter(one.status for one in told if one.was != one.status)
    now = Counter("queued" if one.status is Status.SENDING else one.status.value for one in people)
    assert {status: came[status] - left[status] for status in now} == now
    by_outcome: Counter[str] = Counter()
    for name, n in sums.items():
        by_outcome[name.partition(":")[0]] += n
    assert {status: by_outcome[status] for status in came} == came
    assert sum(n for name, n in sums.items() if name.startswith("within_")) == by_outcome["delivered"]
    assert 0 < sums[AFTER_FAILOVER] < by_outcome["delivered"]
