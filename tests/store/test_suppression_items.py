"""Suppressed addresses in their table."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from threading import Barrier
from uuid import uuid4

import pytest

from app.domain.findings import Finding
from app.domain.suppression import DAY_MS, UNDOING_KEPT_FOR_MS, Bounce, Reason, Suppression
from app.store.suppression_items import SuppressionItem
from app.store.suppressions import Suppressions
from tests.support.aws import Aws

SECRET = "a secret of some installation or other"
NOW_MS = 1_800_000_000_000


def key_of(address: str) -> str:
    """The key of an address's item, by the definition of HMAC-SHA256 (RFC 2104)."""
    key = SECRET.encode().ljust(64, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in key) + address.encode()).digest()
    return sha256(bytes(byte ^ 0x5C for byte in key) + inner).hexdigest()


@pytest.fixture
def suppressions(store: Aws) -> Suppressions:
    return Suppressions(SECRET)


def a_suppression(reason: Reason = Reason.HARD_BOUNCE, days: int = 180) -> Suppression:
    address = f"bob-{uuid4().hex[:8]}@example.net"
    return Suppression(address, reason, "ses, eml_1, attempt 1: 5.1.1", NOW_MS, NOW_MS + days * DAY_MS)


def test_what_was_put_is_found_until_its_time_is_over(suppressions: Suppressions) -> None:
    bob, ann = a_suppression(), a_suppression(days=1)
    suppressions.put(bob)
    suppressions.put(ann)
    assert suppressions.get(bob.address).in_force(NOW_MS) == bob
    everybody = [bob.address, ann.address, "nobody@example.net"]
    assert set(suppressions.among(everybody, NOW_MS, "shop")) == {bob.address, ann.address}
    assert set(suppressions.among(everybody, ann.until_ms - 1, "shop")) == {bob.address, ann.address}
    assert set(suppressions.among(everybody, ann.until_ms, "shop")) == {bob.address}  # whenever DynamoDB deletes it
    assert suppressions.get(ann.address).in_force(ann.until_ms) is None
    assert suppressions.get("nobody@example.net").in_force(NOW_MS) is None
    assert suppressions.among([], NOW_MS, "shop") == {}
    (item,) = SuppressionItem.query(key_of(bob.address))
    assert item.ttl.timestamp() == bob.until_ms / 1000


def test_for_one_reason_what_lasts_longer_stays(suppressions: Suppressions) -> None:
    bob = a_suppression(Reason.COMPLAINED, days=730)
    suppressions.put(bob)
    suppressions.put(replace(bob, evidence="another", until_ms=NOW_MS + 30 * DAY_MS))
    assert suppressions.get(bob.address).in_force(NOW_MS) == bob
    longer = replace(bob, evidence="a third", until_ms=bob.until_ms + 1)
    suppressions.put(longer)
    assert suppressions.get(bob.address).in_force(NOW_MS) == longer


@pytest.mark.parametrize("order", [1, -1])
def test_every_reason_is_kept_with_its_evidence_and_end(suppressions: Suppressions, order: int) -> None:
    address = a_suppression().address
    each = {
        reason: Suppression(address, reason, f"evidence of {reason}", NOW_MS + n, NOW_MS + (n + 1) * DAY_MS)
        for n, reason in enumerate(Reason)
    }
    for suppression in list(each.values())[::order] * 2:
        suppressions.put(suppression)
    entry = suppressions.get(address)
    assert entry.suppressions == each
    assert entry.in_force(NOW_MS) == replace(each[Reason.MANUAL], until_ms=NOW_MS + len(Reason) * DAY_MS)


def test_lifting_lets_it_be_sent_to_again(suppressions: Suppressions) -> None:
    bob = a_suppression()
    suppressions.put(bob)
    suppressions.lift(bob.address, NOW_MS + 5000)
    suppressions.lift(bob.address, NOW_MS + 5000)
    assert suppressions.get(bob.address).in_force(NOW_MS + 5000) is None
    assert suppressions.among([bob.address], NOW_MS + 5000, "shop") == {}
    assert bob.address not in {entry.address for _, entry in suppressions.all(None, NOW_MS + 5000)}
    (item,) = SuppressionItem.query(key_of(bob.address))
    assert item.ttl.timestamp() == (NOW_MS + 5000 + UNDOING_KEPT_FOR_MS) / 1000


def test_what_is_older_than_the_lift_does_not_count_any_more(suppressions: Suppressions) -> None:
    bob = a_suppression()
    suppressions.put(bob)
    suppressions.lift(bob.address, NOW_MS + 5000)
    suppressions.put(bob)
    suppressions.put(replace(bob, since_ms=NOW_MS + 4999, until_ms=bob.until_ms + DAY_MS))
    assert suppressions.get(bob.address).in_force(NOW_MS + 5000) is None
    newer = replace(bob, since_ms=NOW_MS + 5000)
    suppressions.put(newer)
    assert suppressions.get(bob.address).in_force(NOW_MS + 5000) == newer
    suppressions.put(replace(newer, since_ms=NOW_MS, until_ms=newer.until_ms + DAY_MS))  # the lift still counts
    assert suppressions.get(bob.address).in_force(NOW_MS + 5000) == newer


def test_a_lift_is_remembered_for_as_long_as_webhooks_come_again_also_behind_a_short_suppression(
    suppressions: Suppressions,
) -> None:
    bob = a_suppression(Reason.COMPLAINED)
    suppressions.put(bob)
    suppressions.lift(bob.address, NOW_MS + 5000)
    short = replace(bob, reason=Reason.MANUAL, since_ms=NOW_MS + 6000, until_ms=NOW_MS + 7000)
    suppressions.put(short)
    suppressions.put(bob)
    assert suppressions.get(bob.address).in_force(NOW_MS + 6000) == short
    assert suppressions.get(bob.address).in_force(NOW_MS + 7000) is None
    (item,) = SuppressionItem.query(key_of(bob.address))
    assert item.ttl.timestamp() >= (NOW_MS + 5000 + UNDOING_KEPT_FOR_MS) / 1000


def test_lifting_one_that_never_was_suppressed_writes_nothing(suppressions: Suppressions) -> None:
    suppressions.lift("nobody-ever@example.net", NOW_MS)
    assert list(SuppressionItem.query(key_of("nobody-ever@example.net"))) == []


def test_all_are_listed_but_those_whose_time_is_over(suppressions: Suppressions) -> None:
    mine = {s.address: s for s in (a_suppression(), a_suppression(days=1), a_suppression())}
    for suppression in mine.values():
        suppressions.put(suppression)
    found = {entry.address: entry.in_force(NOW_MS) for _, entry in suppressions.all(None, NOW_MS)}
    assert {address: each for address, each in found.items() if address in mine} == mine
    later = {entry.address for _, entry in suppressions.all(None, NOW_MS + DAY_MS)} & set(mine)
    assert later == {address for address, s in mine.items() if s.until_ms > NOW_MS + DAY_MS}
    places = [place for place, _ in suppressions.all(None, NOW_MS)]
    assert [place for place, _ in suppressions.all(places[0], NOW_MS)] == places[1:]


def test_fifty_addresses_are_looked_up_at_once(suppressions: Suppressions) -> None:
    people = [a_suppression() for _ in range(50)]
    for suppression in people[::2]:
        suppressions.put(suppression)
    assert set(suppressions.among([s.address for s in people], NOW_MS, "shop")) == {s.address for s in people[::2]}


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
    (item,) = SuppressionItem.query(key_of(address))
    assert {"complained", "repeated_hard_bounce"} <= set(item.suppressions)
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
    (item,) = SuppressionItem.query(key_of(bounce.address))
    assert item.ttl.timestamp() == (NOW_MS + 30 * DAY_MS) / 1000
    assert set(suppressions.among([bounce.address], NOW_MS + DAY_MS - 1, "shop")) == {bounce.address}
    over_ms = NOW_MS + DAY_MS
    assert suppressions.among([bounce.address], over_ms, "shop") == {}
    assert suppressions.get(bounce.address).in_force(over_ms) is None
    assert bounce.address not in {entry.address for _, entry in suppressions.all(None, over_ms)}


def test_an_entry_has_an_id_that_needs_the_secret(suppressions: Suppressions) -> None:
    bob = a_suppression()
    entry = suppressions.put(bob)
    named = suppressions.id_of(entry)
    assert named == f"sup_{key_of(bob.address)}"
    assert suppressions.find(named) == entry
    assert Suppressions("the secret of another installation").id_of(entry) != named
    for other in (bob.address, f"sup_{bob.address}", f"sup_{'0' * 64}", key_of(bob.address), f"{named}\n", ""):
        assert suppressions.find(other) is None


def test_an_item_s_key_does_not_tell_the_address_and_depends_on_the_secret(suppressions: Suppressions) -> None:
    bob = a_suppression()
    suppressions.put(bob)
    (item,) = SuppressionItem.query(key_of(bob.address))
    assert item.address == bob.address
    assert bob.address not in item.address_hmac
    assert Suppressions("the secret of another installation").get(bob.address).in_force(NOW_MS) is None
