"""Entries: an email is found by its recipients and its tags, newest first, from a position on."""

from uuid import uuid4

import pytest

from app.domain.email import Role
from app.domain.head import Recipient
from app.domain.listing import FOR_EVER_MS, Known, Position, Wanted
from app.store.batches import put_all
from app.store.entries import Recipients, entries_of
from app.store.listings import Listings
from tests.support.samples import a_head

pytestmark = pytest.mark.usefixtures("store")

LATER_S = 4_000_000_000  # else the emulator deletes them, sooner or later, as DynamoDB does
KNOWN = Known(shards=3, projects=frozenset({"default", "shop"}))


def address() -> str:
    return f"{uuid4().hex}@example.net"


def put(to: list[str], email_id: str, created_at_ms: int) -> tuple[int, str]:
    recipients = {key: Recipient(key, Role.TO) for key in to}
    put_all(entries_of(a_head(created_at_ms, email_id=email_id, recipients=recipients, ttl_s=LATER_S)))
    return created_at_ms, email_id


def newest(wanted: Wanted, before: Position = (FOR_EVER_MS, ""), limit: int = 1000) -> list[Position]:
    """What the partitions hold that are read for `wanted`."""
    partitions = Listings().partitions(wanted, KNOWN)
    return [
        position
        for partition in partitions
        for position in Listings().newest(partition, wanted.from_ms, before, limit).positions
    ]


def test_each_recipient_finds_its_emails_newest_first() -> None:
    ann, bob = address(), address()
    first = put([ann, bob], "eml_1", 1_000)
    third = put([ann], "eml_3", 1_000_000_000_000)
    second = put([ann], "eml_2", 999_999_999_999)
    assert list(Recipients().emails_to(ann, "default")) == [third, second, first]
    assert list(Recipients().emails_to(bob, "default")) == [first]
    assert list(Recipients().emails_to(address(), "default")) == []


def test_a_put_may_be_repeated() -> None:
    ann = address()
    position = put([ann, address()], "eml_1", 5)
    assert put([ann], "eml_1", 5) == position
    assert list(Recipients().emails_to(ann, "default")) == [position]


def test_a_cursor_is_behind_what_was_seen_also_within_one_millisecond() -> None:
    ann = address()
    positions = [put([ann], f"eml_{letter}", 7_000) for letter in "abc"]
    positions.append(put([ann], "eml_z", 6_999))
    expected = [positions[2], positions[1], positions[0], positions[3]]
    wanted = Wanted("default", ann)
    for seen in range(4):
        assert newest(wanted, before=expected[seen]) == expected[seen + 1 :]
        assert newest(wanted, before=expected[seen], limit=1) == expected[seen + 1 : seen + 2]


def test_more_than_a_page_is_read_and_it_is_known_whether_that_is_all() -> None:
    ann = address()
    positions = [put([ann], f"eml_{n}", n) for n in range(120)]
    assert list(Recipients().emails_to(ann, "default")) == positions[::-1]
    [partition] = Listings().partitions(Wanted("default", ann), KNOWN)
    for limit, is_all in ((119, False), (121, True)):
        found = Listings().newest(partition, 0, (FOR_EVER_MS, ""), limit)
        assert (found.positions, found.is_all) == (positions[::-1][:limit], is_all)


def test_a_span_of_time_has_its_first_moment_and_not_the_one_after_its_last() -> None:
    ann = address()
    positions = [put([ann], f"eml_{n}", n) for n in range(10)]
    assert newest(Wanted("default", ann, from_ms=3), before=(6, "")) == positions[5:2:-1]


def test_a_tag_is_found_whole_and_by_its_name() -> None:
    tag = uuid4().hex
    head = a_head(5, tags=(f"{tag}=4711", "receipt"), project="shop", shard=2)
    put_all(entries_of(head))
    position = (5, head.email_id)
    assert newest(Wanted("shop", tag=f"{tag}=4711")) == newest(Wanted("shop", tag=tag)) == [position]
    assert position in newest(Wanted("shop", tag="receipt"))
    assert newest(Wanted("shop", tag=f"{tag}=")) == newest(Wanted("shop", tag="4711")) == []


def test_a_project_finds_its_own_emails_only() -> None:
    ann, tag = address(), uuid4().hex
    heads = [
        a_head(5, project=project, shard=2, tags=(tag,), recipients={ann: Recipient(ann, Role.TO)})
        for project in ("default", "shop")
    ]
    for head in heads:
        put_all(entries_of(head))
    for head in heads:
        mine = [(5, head.email_id)]
        assert newest(Wanted(head.project, ann)) == newest(Wanted(head.project, tag=tag)) == mine
    assert len(newest(Wanted(None, ann))) == len(newest(Wanted(None, tag=tag))) == 2


def test_fifty_recipients_are_put_at_once() -> None:
    people = [address() for _ in range(50)]
    position = put(people, "eml_1", 5)
    assert all(list(Recipients().emails_to(person, "default")) == [position] for person in people)
