"""Emails by recipient: newest first, from a place on."""

from itertools import islice
from uuid import uuid4

import pytest

from app.domain.email import Role
from app.domain.head import Recipient
from app.store.batches import put_all
from app.store.recipients import Recipients, recipient_items
from tests.support.samples import a_head

pytestmark = pytest.mark.usefixtures("store")


def address() -> str:
    return f"{uuid4().hex}@example.net"


def put(to: list[str], email_id: str, created_at_ms: int) -> tuple[int, str]:
    recipients = {key: Recipient(key, Role.TO) for key in to}
    put_all(recipient_items(a_head(created_at_ms, email_id=email_id, recipients=recipients)))
    return created_at_ms, email_id


def test_each_recipient_finds_its_emails_newest_first() -> None:
    ann, bob = address(), address()
    first = put([ann, bob], "eml_1", 1_000)
    third = put([ann], "eml_3", 1_000_000_000_000)
    second = put([ann], "eml_2", 999_999_999_999)
    assert list(Recipients().emails_to(ann, None)) == [third, second, first]
    assert list(Recipients().emails_to(bob, None)) == [first]
    assert list(Recipients().emails_to(address(), None)) == []


def test_a_put_may_be_repeated() -> None:
    ann = address()
    place = put([ann, address()], "eml_1", 5)
    assert put([ann], "eml_1", 5) == place
    assert list(Recipients().emails_to(ann, None)) == [place]


def test_a_cursor_is_behind_what_was_seen_also_within_one_millisecond() -> None:
    ann = address()
    places = [put([ann], f"eml_{letter}", 7_000) for letter in "abc"]
    places.append(put([ann], "eml_z", 6_999))
    expected = [places[2], places[1], places[0], places[3]]
    for seen in range(4):
        assert list(Recipients().emails_to(ann, expected[seen])) == expected[seen + 1 :]


def test_a_listing_is_read_page_by_page() -> None:
    ann = address()
    places = [put([ann], f"eml_{n}", n) for n in range(120)]
    assert list(Recipients().emails_to(ann, None)) == places[::-1]
    assert list(islice(Recipients().emails_to(ann, places[60]), 3)) == places[59:56:-1]


def test_fifty_recipients_are_put_at_once() -> None:
    people = [address() for _ in range(50)]
    place = put(people, "eml_1", 5)
    assert all(list(Recipients().emails_to(person, None)) == [place] for person in people)
