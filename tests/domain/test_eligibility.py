"""Pre-flight: what a provider can carry at all."""

import base64

import pytest

from app.domain.capability import Capability
from app.domain.eligibility import objection, objections
from app.domain.email import Attachment, Content, Email, Mailbox
from app.domain.sizes import OVERHEAD_BYTES, email_bytes
from tests.support.samples import an_email, somebody

ROOMY = Capability(1000, 30_000_000)


def with_file(name: str, size: int = 1) -> Email:
    return an_email(content=Content("Hi", "there", attachments=(Attachment(name, "x/y", b"x" * size),)))


def test_nothing_speaks_against_a_small_email() -> None:
    assert objection(ROOMY, an_email()) == ""


def test_recipients_of_all_roles_count() -> None:
    email = an_email(somebody(), cc=(somebody(),), bcc=(somebody(),))
    assert objection(Capability(3, 30_000_000), email) == ""
    assert objection(Capability(2, 30_000_000), email) == "takes 2 recipients at most, not 3"
    assert objection(Capability(1, 30_000_000), email) == "takes 1 recipient at most, not 3"


def test_a_size_is_that_on_the_wire() -> None:
    size = email_bytes(with_file("a.pdf", 300_000))
    wire = len(base64.encodebytes(b"x" * 300_000).replace(b"\n", b"\r\n"))
    assert wire < size < wire * 1.03 + OVERHEAD_BYTES
    assert objection(Capability(9, size), with_file("a.pdf", 300_000)) == ""
    assert f"takes {size - 1:,} bytes at most" in objection(Capability(9, size - 1), with_file("a.pdf", 300_000))


def test_headers_and_text_count_too() -> None:
    bare = email_bytes(an_email(content=Content("Hi", "there")))
    full = email_bytes(an_email(content=Content("Hi", "there", "ü" * 1000, headers=(("X-A", "v" * 500),))))
    assert full - bare >= 2500


@pytest.mark.parametrize(
    "content",
    [
        Content("Hi", text="x" * 100_000),
        Content("Hi", html="x" * 100_000),
        Content("x" * 100_000, text="there"),
        Content("Hi", text="ü" * 50_000),
    ],
    ids=["plain text", "HTML", "subject", "two bytes a letter"],
)
def test_a_text_alone_may_be_too_large(content: Content) -> None:
    email = an_email(content=content)
    assert "takes 100,000 bytes at most" in objection(Capability(9, 100_000), email)
    assert objection(Capability(9, 150_000), email) == ""


@pytest.mark.parametrize("sender", ["a@example.com", "a@EXAMPLE.com"])
def test_a_from_domain_must_be_the_providers(sender: str) -> None:
    email = an_email(sender=Mailbox(sender))
    assert objection(Capability(9, 10**7, ("example.org", "example.com")), email) == ""
    assert objection(Capability(9, 10**7, ("example.org",)), email) == "may not send from example.com"
    assert objection(Capability(9, 10**7), email) == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a.exe", "refuses .exe attachments: attachments[0], a.exe"),
        ("a.tar.EXE", "refuses .exe attachments: attachments[0], a.tar.EXE"),
        ("exe.txt", ""),
        ("exe", ""),
    ],
)
def test_an_attachments_extension_may_be_refused(name: str, why: str) -> None:
    assert objection(Capability(9, 10**7, blocked_extensions=frozenset({"exe"})), with_file(name)) == why


def test_verdicts_are_given_on_those_that_the_email_allows_in_their_order() -> None:
    capabilities = {"ses": Capability(0, 1), "mailgun": ROOMY, "sendgrid": ROOMY}
    assert objections(capabilities, an_email()) == {
        "ses": "takes 0 recipients at most, not 1",
        "mailgun": "",
        "sendgrid": "",
    }
    assert list(objections(capabilities, an_email(providers=("sendgrid", "ses")))) == ["ses", "sendgrid"]
