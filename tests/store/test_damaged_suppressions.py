"""A suppression that cannot be read suppresses until it is lifted, and stops no other."""

from collections.abc import Mapping
from uuid import uuid4

import pytest

from app.domain.own_entries import Fate, OwnEntry, take_over
from app.domain.suppression import DAY_MS, Bounce, Reason, Resubscription, Suppression
from app.errors import Unreadable
from app.store.item_values import LAST_MS
from app.store.suppression_items import NOT_READABLE, SuppressionItem
from app.store.suppressions import Suppressions
from tests.support.damage import Raw, damaged, passed_over, put, stored

pytestmark = pytest.mark.usefixtures("store")

NOW_MS = 1_800_000_000_000
UNTIL_MS = NOW_MS + 730 * DAY_MS
TOO_LATE: Raw = {"N": "1" + "0" * 30}

DAMAGES: Mapping[str, Mapping[str, Raw | None]] = {
    "no version": {"version": None},
    "a version that is a text": {"version": {"S": "a"}},
    "no evidence": {"suppressions": {"S": '{"manual": {"since": 1, "until": 9999999999999}}'}},
    "an evidence that is a number": {"suppressions": {"S": '{"manual": {"evidence": 5, "since": 1, "until": 2}}'}},
    "an end that is a text": {"suppressions": {"S": '{"manual": {"evidence": "", "since": 1, "until": "x"}}'}},
    "an end that is no date": {"suppressions": {"S": '{"manual": {"evidence": "", "since": 1, "until": 1e30}}'}},
    "suppressions that are a list": {"suppressions": {"S": "[1]"}},
    "suppressions that are no JSON": {"suppressions": {"S": "{"}},
    "suppressions that are too deep": {"suppressions": {"S": "[" * 100_000}},
    "half of the bounces": {"bounces": {"S": '{"first_ms": 1}'}},
    "bounces that are a text": {"bounces": {"S": '"x"'}},
    "a lift that is no date": {"lifted": TOO_LATE},
    "no address": {"address": None},
    "another address": {"address": {"S": "eve@example.net"}},
    "another project": {"project": {"S": "shop"}},
}
HAS_NO_ADDRESS = {"no address", "another address", "another project"}


@pytest.fixture
def suppressions() -> Suppressions:
    return Suppressions("a secret of some installation or other")


@pytest.fixture(params=DAMAGES)
def damage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ann(suppressions: Suppressions, damage: str) -> Suppression:
    """A complaint whose item was damaged since."""
    found = Suppression(f"ann-{uuid4().hex}@example.net", Reason.COMPLAINED, "ses", NOW_MS, UNTIL_MS)
    key = suppressions.id_of(suppressions.put(found)).removeprefix("sup_")
    item = stored(SuppressionItem, address_hmac=key)
    assert item is not None
    put(SuppressionItem, damaged(item, DAMAGES[damage]))
    return found


def id_of(suppressions: Suppressions, address: str) -> str:
    (entry,) = suppressions.of(address, [])
    return suppressions.id_of(entry)


def test_it_suppresses_until_its_item_ends_and_the_others_are_read(
    suppressions: Suppressions, ann: Suppression, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    bob = Suppression(f"bob-{uuid4().hex}@example.net", Reason.MANUAL, "note", NOW_MS, UNTIL_MS)
    suppressions.put(bob)
    free = f"free-{uuid4().hex}@example.net"
    found = suppressions.among([ann.address, bob.address, free], NOW_MS, "web")
    assert found == {
        bob.address: bob,
        ann.address: Suppression(ann.address, Reason.MANUAL, NOT_READABLE, 0, UNTIL_MS),
    }
    assert passed_over(caplog) == [("suppression", id_of(suppressions, ann.address))]
    assert ann.address not in caplog.text
    listed = [entry.address for _, entry in suppressions.all(None, NOW_MS)]
    assert bob.address in listed
    assert (ann.address in listed) is (damage == "another project")  # which only its key contradicts
    with pytest.raises(Unreadable):
        suppressions.find(id_of(suppressions, ann.address))


def test_without_a_time_to_live_it_suppresses_for_ever(suppressions: Suppressions) -> None:
    address = f"ann-{uuid4().hex}@example.net"
    key = suppressions.id_of(suppressions.get(address)).removeprefix("sup_")
    for ttl in ({}, {"ttl": TOO_LATE}):
        put(SuppressionItem, {"address_hmac": {"S": key}, **ttl})
        assert suppressions.among([address], NOW_MS, "web")[address].until_ms == LAST_MS


def test_what_is_found_about_it_changes_nothing_and_fails_nothing(suppressions: Suppressions, ann: Suppression) -> None:
    key = id_of(suppressions, ann.address).removeprefix("sup_")
    before = stored(SuppressionItem, address_hmac=key)
    for finding in (Bounce(ann.address, "ses", NOW_MS, NOW_MS), ann, Resubscription(ann.address, NOW_MS)):
        suppressions.note(finding)
        with pytest.raises(Unreadable, match="another version"):
            suppressions.put(finding)
    own = OwnEntry(ann.address, "bounces", Reason.HARD_BOUNCE, NOW_MS)
    assert suppressions.take_over(own.address, lambda entry: take_over(entry, own, "ses", NOW_MS)) is Fate.UNREADABLE
    assert stored(SuppressionItem, address_hmac=key) == before


def test_a_lift_replaces_it(suppressions: Suppressions, ann: Suppression) -> None:
    before = suppressions.lift(ann.address, NOW_MS + 1)
    assert before is not None
    assert [each.evidence for each in before.strongest_first] == [NOT_READABLE]
    after = suppressions.get(ann.address)
    assert (after.in_force(NOW_MS), after.lifted_ms) == (None, NOW_MS + 1)
    suppressions.put(ann)  # which was reported before
    assert suppressions.get(ann.address).in_force(NOW_MS) is None
    assert suppressions.lift(f"nobody-{uuid4().hex}@example.net", NOW_MS) is None


def test_a_lift_by_its_id_replaces_it_or_deletes_what_tells_no_address(
    suppressions: Suppressions, ann: Suppression, damage: str
) -> None:
    entry_id = id_of(suppressions, ann.address)
    assert suppressions.lift_by_id(entry_id, NOW_MS)
    after = suppressions.get(ann.address)
    assert after.in_force(NOW_MS) is None
    assert after.lifted_ms == (None if damage in HAS_NO_ADDRESS else NOW_MS)
    assert not suppressions.lift_by_id(entry_id, NOW_MS)
    assert not suppressions.lift_by_id("sup_no", NOW_MS)
