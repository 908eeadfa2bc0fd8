"""Mailboxes in headers, and the fingerprint of a request."""

from collections.abc import Mapping
from dataclasses import fields, replace
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.email import Attachment, Content, Email, Mailbox, OnUncertain, Tracking, fingerprint
from app.domain.lane import Lane

EMAIL = Email(
    sender=Mailbox("no-reply@example.com", "App"),
    to=(Mailbox("ann@example.net", "Ann"), Mailbox("bob@example.net")),
    content=Content(
        subject="Receipt",
        text="Thank you",
        html="<p>Thank you</p>",
        reply_to=(Mailbox("help@example.com"),),
        headers=(("X-One", "1"), ("X-Two", "2")),
        attachments=(Attachment("a.pdf", "application/pdf", b"%PDF", "cid"),),
        tags=("receipt",),
        metadata={"order": "7", "shop": "3"},
    ),
    cc=(Mailbox("eve@example.net"),),
    bcc=(Mailbox("dan@example.net"),),
    expires_at_ms=1_000,
    providers=("ses",),
    on_uncertain=OnUncertain.FAIL,
    collapse_key="reset",
    critical=True,
    override_suppression=True,
    tracking=Tracking(opens=True),
)
OTHER_ENVELOPE = {
    "sender": Mailbox("no-reply@example.com", "Another"),
    "to": EMAIL.to[:1],
    "content": replace(EMAIL.content, subject="Another"),
    "cc": (),
    "bcc": (Mailbox("dan@example.net", "Dan"),),
    "expires_at_ms": None,
    "send_at_ms": 500,
    "providers": ("ses", "mailgun"),
    "on_uncertain": OnUncertain.WAIT,
    "collapse_key": "",
    "critical": False,
    "override_suppression": False,
    "tracking": Tracking(clicks=True),
    "lane": Lane.BULK,
    "webhook_url": "https://hooks.example.com/other",
}
OTHER_CONTENT = {
    "names": {"ann@example.net": "Ann"},
    "subject": "receipt",
    "text": "Thank you ",
    "html": "",
    "reply_to": (),
    "headers": (("X-One", "2"), ("X-Two", "1")),
    "attachments": (),
    "tags": ("receipt", "receipt"),
    "metadata": {"order": "7"},
}
OTHER_ATTACHMENT = {"filename": "b.pdf", "content_type": "text/plain", "content": b"%PDF ", "content_id": ""}


# A tag with a value is metadata: it is the same request, whichever field it was given in.
DO_NOT_COUNT = {"named_tags"}


def others(of: object, changed: Mapping[str, object]) -> list[object]:
    """`of` with each of its fields changed in turn: all of them."""
    assert {field.name for field in fields(of)} - DO_NOT_COUNT == set(changed)  # type: ignore[arg-type] # because it is a dataclass
    return [replace(of, **{name: value}) for name, value in changed.items()]  # type: ignore[type-var] # because it is one


def test_the_fingerprint_is_sensitive_to_every_field() -> None:
    emails = others(EMAIL, OTHER_ENVELOPE)
    contents = others(EMAIL.content, OTHER_CONTENT)
    files = others(EMAIL.content.attachments[0], OTHER_ATTACHMENT)
    contents += [replace(EMAIL.content, attachments=(file,)) for file in files]  # type: ignore[arg-type] # because these are attachments
    emails += [replace(EMAIL, content=content) for content in contents]  # type: ignore[arg-type] # because these are contents
    found = {fingerprint(email) for email in [EMAIL, *emails]}  # type: ignore[arg-type] # because these are emails
    assert len(found) == 1 + len(OTHER_ENVELOPE) + len(OTHER_CONTENT) + len(OTHER_ATTACHMENT)
    assert all(len(digest) == 64 and int(digest, 16) for digest in found)


def test_metadata_that_was_given_as_tags_is_the_same_request() -> None:
    email = replace(EMAIL, content=replace(EMAIL.content, metadata={"order": "7"}))
    assert fingerprint(replace(email, named_tags=("order",))) == fingerprint(email)


def test_people_do_not_change_places_unnoticed() -> None:
    ann, bob = Mailbox("ann@example.net"), Mailbox("bob@example.net")
    nobody: tuple[Mailbox, ...] = ()
    places = [
        ((ann, bob), nobody, nobody),
        ((ann,), (bob,), nobody),
        ((ann,), nobody, (bob,)),
        ((bob,), (ann,), nobody),
    ]
    found = {fingerprint(replace(EMAIL, to=to, cc=cc, bcc=bcc)) for to, cc, bcc in places}
    assert len(found) == len(places)


def test_where_one_text_ends_and_the_next_begins_matters() -> None:
    one = replace(EMAIL, content=Content("ab", text="c", tags=("x", "y")))
    assert fingerprint(one) != fingerprint(replace(one, content=Content("a", text="bc", tags=("x", "y"))))
    assert fingerprint(one) != fingerprint(replace(one, content=Content("ab", text="c", tags=("xy",))))
    assert fingerprint(one) != fingerprint(replace(one, content=Content("ab", html="c", tags=("x", "y"))))


FEW = {
    "to": EMAIL.to,
    "cc": (Mailbox("eve@example.net"), Mailbox("fay@example.net", "Fay")),
    "bcc": (Mailbox("dan@example.net"), Mailbox("gus@example.net")),
    "providers": ("ses", "mailgun", "sendgrid:eu"),
}
FEW_IN_CONTENT = {
    "reply_to": (Mailbox("help@example.com"), Mailbox("desk@example.com")),
    "headers": (("X-One", "1"), ("X-Two", "2"), ("X-Three", "3")),
    "tags": ("receipt", "shop", "a"),
}


def of_several(kind: type) -> set[str]:
    """The fields of which an email may have several without a name for each."""
    return {field.name for field in fields(kind) if str(field.type).startswith("tuple")}


def test_sets_have_no_order() -> None:
    full = replace(EMAIL, **FEW, content=replace(EMAIL.content, **FEW_IN_CONTENT))  # type: ignore[arg-type] # because these are its fields
    turned = [replace(full, **{name: value[::-1]}) for name, value in FEW.items()]  # type: ignore[arg-type] # because these are its fields
    turned += [
        replace(full, content=replace(full.content, **{name: value[::-1]}))  # type: ignore[arg-type] # because these are its fields
        for name, value in FEW_IN_CONTENT.items()
    ]
    assert {fingerprint(email) for email in turned} == {fingerprint(full)}
    assert set(FEW) == of_several(Email) - DO_NOT_COUNT
    assert set(FEW_IN_CONTENT) == of_several(Content) - {"attachments"}


def test_files_have_the_order_in_which_they_are_shown() -> None:
    one, two = Attachment("a.pdf", "application/pdf", b"a"), Attachment("b.pdf", "application/pdf", b"b")
    found = {
        fingerprint(replace(EMAIL, content=replace(EMAIL.content, attachments=files)))
        for files in ((one, two), (two, one))
    }
    assert len(found) == 2


def test_objects_have_no_order() -> None:
    again = replace(EMAIL.content, metadata={"shop": "3", "order": "7"})
    assert fingerprint(replace(EMAIL, content=again)) == fingerprint(EMAIL)


@pytest.mark.parametrize("field", ["sender", "to", "cc", "bcc", "reply_to"])
def test_two_spellings_of_an_address_are_one(field: str) -> None:
    where = EMAIL.content if field == "reply_to" else EMAIL
    given = getattr(where, field)
    loud = [Mailbox(one.address.upper(), one.name) for one in ([given] if field == "sender" else given)]
    other = replace(where, **{field: loud[0] if field == "sender" else tuple(loud)})  # type: ignore[arg-type] # because it is its field
    assert other != where
    email = replace(EMAIL, content=other) if isinstance(other, Content) else other
    assert isinstance(email, Email)
    assert fingerprint(email) == fingerprint(EMAIL)


def test_two_spellings_of_the_name_of_a_header_are_one() -> None:
    loud = tuple((name.upper(), value) for name, value in EMAIL.content.headers)
    assert fingerprint(replace(EMAIL, content=replace(EMAIL.content, headers=loud))) == fingerprint(EMAIL)


PINNED = "b6cee8060aa0d842266a675a4d6e38ac3fa546965fc45c0263098bf12deb6d95"


def test_it_does_not_change_from_one_process_or_release_to_the_next() -> None:
    """Emails are stored under it: a replay of last week's request must find last week's email."""
    plain = Email(Mailbox("a@example.com"), (Mailbox("b@example.net"),), Content("Grüße", text="\U0001f600"))
    assert fingerprint(plain) == PINNED
    assert fingerprint(replace(plain, content=replace(plain.content, metadata={}))) == PINNED


# --- Mailboxes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", "a@example.com"),
        ("Ann Example", "Ann Example <a@example.com>"),
        ("Jörg Müller", "Jörg Müller <a@example.com>"),
        ("Example, Inc.", '"Example, Inc." <a@example.com>'),
        ('Ann "A" Example', '"Ann \\"A\\" Example" <a@example.com>'),
        ("back\\slash", '"back\\\\slash" <a@example.com>'),
        ("a@b", '"a@b" <a@example.com>'),
        ("<b@example.com>", '"<b@example.com>" <a@example.com>'),
    ],
)
def test_how_a_mailbox_is_written(name: str, shown: str) -> None:
    assert str(Mailbox("a@example.com", name)) == shown


names = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=30).map(
    lambda text: " ".join(text.split())
)


@given(names)
def test_what_is_written_is_read_back(name: str) -> None:
    assert parseaddr(str(Mailbox("a@example.com", name))) == (name, "a@example.com")


def test_two_spellings_of_one_mailbox_have_one_key() -> None:
    assert Mailbox("Ann@Example.NET").key == Mailbox("ann@example.net", "Ann").key == "ann@example.net"


def test_to_name_the_normal_lane_is_to_name_none() -> None:
    """A client that repeats its request in a newer version of its code sends the same request."""
    assert fingerprint(replace(EMAIL, lane=Lane.NORMAL)) == fingerprint(EMAIL)
    assert fingerprint(replace(EMAIL, lane=Lane.URGENT)) != fingerprint(EMAIL)
