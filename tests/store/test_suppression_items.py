"""Suppressed addresses in their table."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from uuid import uuid4

import pytest

from app.domain.findings import Finding
from app.domain.suppression import DAY_MS, LIFT_COUNTS_FOR_MS, Bounce, Reason, Suppression
from app.store.suppressions import SuppressionItem, Suppressions
from tests.support.aws import Aws

NOW_MS = 1_800_000_000_000


@pytest.fixture
def suppressions(store: Aws) -> Suppressions:
    return Suppressions()


def a_suppression(reason: Reason = Reason.HARD_BOUNCE, days: int = 180) -> Suppression:
    address = f"bob-{uuid4().hex[:8]}@example.net"
    return Suppression(address, reason, "ses, eml_1, attempt 1: 5.1.1", NOW_MS, NOW_MS + days * DAY_MS)


def test_what_was_put_is_found_until_its_time_is_over(suppressions: Suppressions) -> None:
    bob, ann = a_suppression(), a_suppression(days=1)
    suppressions.put(bob)
    suppressions.put(ann)
    assert suppressions.get(bob.address, NOW_MS) == bob
    everybody = [bob.address, ann.address, "nobody@example.net"]
    assert set(suppressions.among(everybody, NOW_MS)) == {bob.address, ann.address}
    assert set(suppressions.among(everybody, ann.until_ms - 1)) == {bob.address, ann.address}
    assert set(suppressions.among(everybody, ann.until_ms)) == {bob.address}  # whenever DynamoDB deletes it
    assert suppressions.get(ann.address, ann.until_ms) is None
    assert suppressions.get("nobody@example.net", NOW_MS) is None
    assert suppressions.among([], NOW_MS) == {}
    (item,) = SuppressionItem.query(bob.address)
    assert item.ttl.timestamp() == bob.until_ms / 1000


def test_what_lasts_longer_is_not_replaced_by_what_ends_sooner(suppressions: Suppressions) -> None:
    """Who complained is not sent to again because a provider has listed the address for a month."""
    complained = a_suppression(Reason.COMPLAINED, days=730)
    suppressions.put(complained)
    suppressions.put(replace(complained, reason=Reason.PROVIDER_LIST, until_ms=NOW_MS + 30 * DAY_MS))
    assert suppressions.get(complained.address, NOW_MS) == complained


def test_what_lasts_longer_replaces(suppressions: Suppressions) -> None:
    listed = a_suppression(Reason.PROVIDER_LIST, days=30)
    complained = replace(listed, reason=Reason.COMPLAINED, until_ms=NOW_MS + 730 * DAY_MS)
    suppressions.put(listed)
    suppressions.put(complained)
    suppressions.put(complained)
    assert suppressions.get(listed.address, NOW_MS) == complained


def test_lifting_lets_it_be_sent_to_again(suppressions: Suppressions) -> None:
    bob = a_suppression()
    suppressions.put(bob)
    suppressions.lift(bob.address, NOW_MS + 5000)
    suppressions.lift(bob.address, NOW_MS + 5000)
    assert suppressions.get(bob.address, NOW_MS + 5000) is None
    assert suppressions.among([bob.address], NOW_MS + 5000) == {}
    assert bob.address not in {s.address for s in suppressions.all(None, NOW_MS + 5000)}
    (item,) = SuppressionItem.query(bob.address)
    assert item.ttl.timestamp() == (NOW_MS + 5000 + LIFT_COUNTS_FOR_MS) / 1000


def test_what_is_older_than_the_lift_does_not_count_any_more(suppressions: Suppressions) -> None:
    bob = a_suppression()
    suppressions.put(bob)
    suppressions.lift(bob.address, NOW_MS + 5000)
    suppressions.put(bob)
    suppressions.put(replace(bob, since_ms=NOW_MS + 4999, until_ms=bob.until_ms + DAY_MS))
    assert suppressions.get(bob.address, NOW_MS + 5000) is None
    newer = replace(bob, since_ms=NOW_MS + 5000)
    suppressions.put(newer)
    assert suppressions.get(bob.address, NOW_MS + 5000) == newer
    suppressions.put(replace(newer, since_ms=NOW_MS, until_ms=newer.until_ms + DAY_MS))  # the lift still counts
    assert suppressions.get(bob.address, NOW_MS + 5000) == newer


def test_a_lift_is_remembered_for_as_long_as_webhooks_come_again_also_behind_a_short_suppression(
    suppressions: Suppressions,
) -> None:
    bob = a_suppression(Reason.COMPLAINED)
    suppressions.put(bob)
    suppressions.lift(bob.address, NOW_MS + 5000)
    short = replace(bob, reason=Reason.MANUAL, since_ms=NOW_MS + 6000, until_ms=NOW_MS + 7000)
    suppressions.put(short)
    suppressions.put(bob)
    assert suppressions.get(bob.address, NOW_MS + 6000) == short
    assert suppressions.get(bob.address, NOW_MS + 7000) is None
    (item,) = SuppressionItem.query(bob.address)
    assert item.ttl.timestamp() >= (NOW_MS + 5000 + LIFT_COUNTS_FOR_MS) / 1000


def test_lifting_one_that_never_was_suppressed_writes_nothing(suppressions: Suppressions) -> None:
    suppressions.lift("nobody-ever@example.net", NOW_MS)
    assert list(SuppressionItem.query("nobody-ever@example.net")) == []


def test_all_are_listed_but_those_whose_time_is_over(suppressions: Suppressions) -> None:
    mine = {s.address: s for s in (a_suppression(), a_suppression(days=1), a_suppression())}
    for suppression in mine.values():
        suppressions.put(suppression)
    found = [s for s in suppressions.all(None, NOW_MS) if s.address in mine]
    assert {s.address: s for s in found} == mine
    later = {s.address for s in suppressions.all(None, NOW_MS + DAY_MS)} & set(mine)
    assert later == {address for address, s in mine.items() if s.until_ms > NOW_MS + DAY_MS}
    addresses = [s.address for s in suppressions.all(None, NOW_MS)]
    assert [s.address for s in suppressions.all(addresses[0], NOW_MS)] == addresses[1:]


def test_fifty_addresses_are_looked_up_at_once(suppressions: Suppressions) -> None:
    people = [a_suppression() for _ in range(50)]
    for suppression in people[::2]:
        suppressions.put(suppression)
    assert set(suppressions.among([s.address for s in people], NOW_MS)) == {s.address for s in people[::2]}


def test_reports_at_once_both_count(suppressions: Suppressions) -> None:
    """Each of them writes an item of which the other knows nothing."""
    address = f"bob-{uuid4().hex[:8]}@example.net"
    bounces = [Bounce(address, f"bounce {n}", NOW_MS + n * DAY_MS, NOW_MS + n * DAY_MS) for n in range(4)]
    complaint = Suppression(address, Reason.COMPLAINED, "spam", NOW_MS, NOW_MS + 730 * DAY_MS)
    begin = Barrier(8)

    def put(finding: Finding) -> None:
        begin.wait()
        suppressions.put(finding)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, [*bounces, complaint, *bounces[:3]]))
    (item,) = SuppressionItem.query(address)
    assert item.reason == "complained"
    last_ms = NOW_MS + 3 * DAY_MS
    assert item.bounces == {"first_ms": NOW_MS, "last_ms": last_ms, "newest_email_ms": last_ms}


def test_an_item_that_was_lifted_may_be_suppressed_again_at_once(suppressions: Suppressions) -> None:
    bounce = Bounce(f"bob-{uuid4().hex[:8]}@example.net", "5.1.1", NOW_MS, NOW_MS)
    stored = suppressions.put(bounce)
    assert suppressions.put(bounce) == stored
    assert suppressions.lift(bounce.address, NOW_MS + 1)
    assert not suppressions.lift(bounce.address, NOW_MS + 1)
    assert suppressions.put(bounce).in_force(NOW_MS + 1) is None
    found = suppressions.put(replace(bounce, at_ms=NOW_MS + 2)).in_force(NOW_MS + 2)
    assert found is not None
    assert found.reason is Reason.HARD_BOUNCE


def test_a_first_bounce_is_kept_for_thirty_days_and_suppresses_for_one(suppressions: Suppressions) -> None:
    bounce = Bounce(f"bob-{uuid4().hex[:8]}@example.net", "5.1.1", NOW_MS, NOW_MS)
    suppressions.put(bounce)
    (item,) = SuppressionItem.query(bounce.address)
    assert item.ttl.timestamp() == (NOW_MS + 30 * DAY_MS) / 1000
    assert set(suppressions.among([bounce.address], NOW_MS + DAY_MS - 1)) == {bounce.address}
    over_ms = NOW_MS + DAY_MS
    assert suppressions.among([bounce.address], over_ms) == {}
    assert suppressions.get(bounce.address, over_ms) is None
    assert bounce.address not in {each.address for each in suppressions.all(None, over_ms)}
