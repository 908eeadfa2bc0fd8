"""An item that cannot be read stops no other one: lists leave it out, and the log names it without an address."""

import hashlib
from collections.abc import Mapping
from uuid import uuid4

import pytest

from app.domain.event import ProviderEvent
from app.domain.kinds import Kind
from app.domain.listing import FOR_EVER_MS
from app.store.api_keys import PREFIX, SHOWN, ApiKeyItem, ApiKeys, UnreadableKey
from app.store.batches import put_all
from app.store.entries import EntryItem, Recipients, by_recipient, entries_of
from app.store.events import EventItem, Events
from app.store.head_items import HeadItem
from app.store.heads import Heads
from app.store.listings import Listings, Partition
from tests.support.clock import Clock
from tests.support.damage import Raw, damaged, passed_over, put, stored
from tests.support.samples import a_head, somebody

pytestmark = pytest.mark.usefixtures("store")

NOW_MS = Clock().now_ms
TOO_LATE: Raw = {"N": "1" + "0" * 30}
POSITIONS = ["5", "garbage", "1764000000000#", "1764000000000", "9764000000000#eml_1#2", "99999999999999#eml_1"]

EVENTS: Mapping[str, Mapping[str, Raw | None]] = {
    "no time": {"at": None},
    "a time that is no date": {"at": TOO_LATE},
    "a time that is a text": {"at": {"S": "noon"}},
    "no attempt": {"attempt": None},
    "no provider": {"provider": None},
    "no kind": {"kind": None},
    "a provider that is a number": {"provider": {"N": "1"}},
    "a time to live that is no date": {"ttl": TOO_LATE},
}

KEYS: Mapping[str, Mapping[str, Raw | None]] = {
    "no scopes": {"scopes": None},
    "scopes that are a text": {"scopes": {"S": "send"}},
    "no name": {"name": None},
    "no time": {"created_at": None},
    "a time that is no date": {"created_at": TOO_LATE},
    "a project that is none": {"project": {"S": "A#B"}},
}


@pytest.mark.parametrize("damage", EVENTS)
def test_a_story_leaves_an_event_out(damage: str, caplog: pytest.LogCaptureFixture) -> None:
    email_id = f"eml_{uuid4().hex}"
    events = [ProviderEvent("ses", Kind.DELIVERED, email_id, 1, "ann@example.net", NOW_MS + n) for n in range(3)]
    Events().put(events, {email_id: a_head(NOW_MS, email_id=email_id, ttl_s=4_000_000_000)}, NOW_MS)
    parts = [item.part for item in EventItem.query(email_id)]
    item = stored(EventItem, email_id=email_id, part=parts[1])
    assert item is not None
    put(EventItem, damaged(item, EVENTS[damage]))
    assert Events().of(email_id) == [events[0], events[2]]
    assert passed_over(caplog) == [("event", f"{email_id} {parts[1]}")]


@pytest.mark.parametrize("position", POSITIONS)
def test_an_entry_without_a_position_is_skipped(position: str, caplog: pytest.LogCaptureFixture) -> None:
    ann = somebody("ann")
    heads = [a_head(NOW_MS + n, recipients={ann.key: ann}) for n in range(3)]
    put_all([entry for head in heads for entry in entries_of(head)])
    partition = by_recipient(heads[0].project, ann.key)
    put(EntryItem, {"email_id": {"S": partition}, "part": {"S": position}})
    wanted = [(head.created_at_ms, head.email_id) for head in reversed(heads)]
    assert list(Recipients().emails_to(ann.key, heads[0].project)) == wanted
    assert passed_over(caplog) == [("entry of a list", f"recipient#{heads[0].project} {position}")]
    assert ann.key not in caplog.text
    found = Listings().newest(Partition(partition), 0, (FOR_EVER_MS, ""), 10)
    assert (found.positions, found.is_all) == (wanted, True)


def test_a_page_is_filled_behind_entries_that_are_skipped() -> None:
    """Otherwise there would be nothing at which the next page begins."""
    ann = somebody("ann")
    heads = [a_head(NOW_MS + n, recipients={ann.key: ann}) for n in range(3)]
    put_all([entry for head in heads for entry in entries_of(head)])
    partition = by_recipient(heads[0].project, ann.key)
    for number in range(5):
        put(EntryItem, {"email_id": {"S": partition}, "part": {"S": f"8764000000000#eml#{number}"}})
    found = Listings().newest(Partition(partition), 0, (FOR_EVER_MS, ""), 1)
    assert (found.positions, found.is_all) == ([(NOW_MS + 2, heads[2].email_id)], False)


@pytest.mark.parametrize("position", POSITIONS)
def test_an_entry_of_all_emails_without_a_position_is_skipped(position: str) -> None:
    partition = f"{uuid4().hex[:12]}#0"
    head = Heads().create(a_head(NOW_MS, project=partition[:-2], shard=0), NOW_MS)
    assert head is not None
    damage = {"email_id": {"S": f"eml_{uuid4().hex}"}, "part": {"S": "email"}}
    put(HeadItem, {**damage, "created_shard": {"S": partition}, "created_key": {"S": position}})
    assert list(Heads().created(partition, None)) == [(NOW_MS, head.email_id)]
    found = Listings().newest(Partition(partition, is_index=True), 0, (FOR_EVER_MS, ""), 10)
    assert found.positions == [(NOW_MS, head.email_id)]


@pytest.mark.parametrize("damage", KEYS)
def test_a_damaged_key_authenticates_nothing_and_can_be_revoked(damage: str, caplog: pytest.LogCaptureFixture) -> None:
    keys, name = ApiKeys(Clock()), uuid4().hex
    secret, other = (keys.create(name, ["send"], []) for _ in range(2))
    key_id = hashlib.sha256(secret.encode()).hexdigest()
    item = stored(ApiKeyItem, key_sha256=key_id)
    assert item is not None
    put(ApiKeyItem, damaged(item, KEYS[damage]))
    assert secret.startswith(PREFIX)
    assert keys.find(secret) is None
    assert keys.find(secret) is None
    assert passed_over(caplog) == [("API key", key_id[:SHOWN])]  # which is read once in a few seconds
    assert keys.find(other) is not None
    known, unreadable = keys.read()
    assert [key.id for key in known if key.name == name] == [hashlib.sha256(other.encode()).hexdigest()]
    assert UnreadableKey(key_id, is_revoked=False) in unreadable
    keys.revoke(key_id)
    assert UnreadableKey(key_id, is_revoked=True) in keys.read()[1]
