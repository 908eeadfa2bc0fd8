"""Every row of a capability: what breaks it, what just does not, and the words of the objection."""

from dataclasses import fields, replace
from typing import Any

import pytest

from app.domain.capability import EVERY_NAME, Capability
from app.domain.eligibility import misfit, objection
from app.domain.email import Attachment, Content, Email, Mailbox
from app.domain.sizes import header_section_bytes, metadata_bytes, options_bytes
from tests.support.samples import an_email, somebody

ROOMY = Capability(1000, 30_000_000)


def email(**content: Any) -> Email:
    return an_email(content=replace(Content("Hi", "there"), **content))


def file(name: str = "a.pdf", content: bytes = b"x") -> Attachment:
    return Attachment(name, "application/pdf", content)


PEOPLE = an_email(somebody(), cc=(somebody(),))
TALKATIVE = email(headers=(("X-A", "v" * 300), ("X-B", "ü" * 100)), reply_to=(somebody("ann"),))
DETAILED = email(metadata={"order": "4711", "größe": "ü" * 100}, tags=("receipt",), headers=(("X-A", "v"),))
JANE = Mailbox("jané@example.com")

# row, its value, an email that breaks it, one that just does not, the objection
ROWS: list[tuple[str, Any, Email, Email, str]] = [
    ("recipients", 1, PEOPLE, an_email(), "takes 1 recipient at most, not 2"),
    ("traceable_recipients", 1, PEOPLE, an_email(), "takes 1 recipient at most, not 2"),
    ("from_domains", ("example.org",), an_email(), an_email(sender=Mailbox("a@Example.org")), "may not send from"),
    *(
        (
            "organization",
            "example.org",
            an_email(sender=Mailbox(f"a@{other}")),
            an_email(sender=Mailbox(f"a@{own}")),
            why,
        )
        for other, own in (("example.com", "example.org"), ("badexample.org", "news.Example.org"))
        for why in (f"signs as example.org, so DMARC fails for a From of {other} (…_FROM_DOMAINS says",)
    ),
    (
        "size_bytes",
        10_000,
        email(text="x" * 9_000),
        email(text="x" * 3_000),
        "takes 10,000 bytes at most, the email has",
    ),
    (
        "header_section_bytes",
        header_section_bytes(TALKATIVE) - 1,
        TALKATIVE,
        email(headers=TALKATIVE.content.headers[:1]),
        "header section: takes",
    ),
    (
        "metadata_bytes",
        metadata_bytes(DETAILED.content) - 1,
        DETAILED,
        email(metadata={"order": "1"}),
        "metadata: takes",
    ),
    (
        "options_bytes",
        options_bytes(DETAILED.content) - 1,
        DETAILED,
        email(metadata=DETAILED.content.metadata, tags=("receipt",)),
        "headers, tags and metadata: takes",
    ),
    ("empty_subject", False, email(subject=""), email(), "subject: must not be empty"),
    ("subject_chars", 3, email(subject="four"), email(subject="ü" * 3), "subject: takes 3 characters at most, not 4"),
    ("ascii_addresses", frozenset({"cc"}), an_email(cc=(JANE,)), an_email(JANE, bcc=(JANE,)), "cc: takes no address"),
    (
        "headers",
        1,
        email(headers=(("X-A", "1"), ("X-B", "2"))),
        email(headers=(("X-A", "1"),)),
        "headers: takes 1 at most",
    ),
    (
        "header_name_chars",
        4,
        email(headers=(("X-Abc", "1"),)),
        email(headers=(("X-Ab", "1"),)),
        "header X-Abc: the name must have 1 to 4 ASCII characters",
    ),
    (
        "header_value_chars",
        4,
        email(headers=(("X-A", "12345"),)),
        email(headers=(("X-A", "1234"),)),
        "header X-A: takes 4 characters at most, not 5",
    ),
    (
        "reserved_headers",
        frozenset({"date"}),
        email(headers=(("Date", "today"),)),
        email(headers=(("X-Date", "today"),)),
        "header Date: the provider writes it itself",
    ),
    (
        "reserved_header_prefixes",
        ("x-ses-",),
        email(headers=(("X-SES-Tag", "1"),)),
        email(headers=(("X-Session", "1"),)),
        "header X-SES-Tag: the provider writes it itself",
    ),
    (
        "unique_headers",
        frozenset({"references"}),
        email(headers=(("References", "1"), ("references", "2"))),
        email(headers=(("X-A", "1"), ("X-A", "2"))),
        "header references: the provider takes a name only once",
    ),
    (
        "attachments",
        1,
        email(attachments=(file(), file())),
        email(attachments=(file(),)),
        "attachments: takes 1 at most",
    ),
    (
        "attachment_bytes",
        3,
        email(attachments=(file(content=b"four"),)),
        email(attachments=(file(content=b"abc"), file(content=b"abc"))),
        "takes files of 3 bytes at most, not 4: attachments[0], a.pdf",
    ),
    (
        "empty_attachments",
        False,
        email(attachments=(file(), file("b.txt", b""))),
        email(attachments=(file(),)),
        "takes no empty file: attachments[1], b.txt",
    ),
    (
        "blocked_extensions",
        frozenset({"exe"}),
        email(attachments=(file("a.EXE"),)),
        email(attachments=(file("exe"), file("a.exe.txt"))),
        "refuses .exe attachments: attachments[0], a.EXE",
    ),
    (
        "filename_chars",
        5,
        email(attachments=(file("ab.pdf"),)),
        email(attachments=(file("a.pdf"),)),
        "takes file names of 5 characters at most, not 6: attachments[0], ab.pdf",
    ),
]


def test_every_row_is_here() -> None:
    assert {row for row, *_ in ROWS} == {field.name for field in fields(Capability)}


@pytest.mark.parametrize(("row", "value", "breaks", "fits", "words"), ROWS, ids=[row for row, *_ in ROWS])
def test_a_row_keeps_out_what_breaks_it_and_says_why(
    row: str, value: object, breaks: Email, fits: Email, words: str
) -> None:
    capability = replace(ROOMY, **{row: value})  # type: ignore[arg-type] # because the values are those of the rows
    assert objection(capability, breaks).startswith(words)
    assert objection(capability, fits) == ""
    assert objection(ROOMY, breaks) == ""


def test_every_name_counts_where_none_may_come_twice() -> None:
    capability = replace(ROOMY, unique_headers=frozenset({EVERY_NAME}))
    assert "X-A" in objection(capability, email(headers=(("x-a", "1"), ("X-A", "2"))))
    assert objection(capability, email(headers=(("X-A", "1"), ("X-B", "1")))) == ""


def test_reply_to_counts_as_a_header_of_that_name() -> None:
    capability = replace(ROOMY, unique_headers=frozenset({"reply-to"}))
    header = (("Reply-To", "help@example.com"),)
    assert objection(capability, email(headers=header)) == ""
    assert "Reply-To" in objection(capability, email(headers=header, reply_to=(somebody(),)))


def test_with_nobody_in_to_each_recipient_gets_a_copy_of_its_own() -> None:
    hidden = replace(an_email(), to=(), bcc=(somebody(), somebody()))
    assert objection(replace(ROOMY, traceable_recipients=1), hidden) == ""


@pytest.mark.parametrize("field", ["from", "to", "cc", "bcc", "reply_to"])
def test_an_address_that_is_not_ascii_is_found_in_each_field(field: str) -> None:
    emails = {
        "from": an_email(sender=JANE),
        "to": an_email(JANE),
        "cc": an_email(cc=(JANE,)),
        "bcc": an_email(bcc=(JANE,)),
        "reply_to": email(reply_to=(JANE,)),
    }
    capability = replace(ROOMY, ascii_addresses=frozenset({field}))
    assert {name for name, one in emails.items() if misfit(capability, one)} == {field}


@pytest.mark.parametrize("name", ["", "X: y", "Ü", "X y"])
def test_what_is_no_name_of_a_header_is_found(name: str) -> None:
    assert misfit(replace(ROOMY, header_name_chars=126), email(headers=((name, "v"),)))


def test_a_long_file_name_is_cut_in_an_objection() -> None:
    long = email(attachments=(file("x" * 300 + ".exe"),))
    assert len(objection(replace(ROOMY, blocked_extensions=frozenset({"exe"})), long)) < 150
