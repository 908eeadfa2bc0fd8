"""Pre-flight at accept: who can carry the email at all; no way out is said at once."""

from functools import partial

import pytest

from app.domain.capability import Capability
from app.domain.email import Attachment, Content, Mailbox
from app.errors import Invalid
from tests.support.aws import Aws
from tests.support.harness import PROVIDERS, Harness
from tests.support.outcomes import REFUSED
from tests.support.samples import an_email, somebody

MB = 1_000_000
CAPABILITIES = {
    "sendgrid": Capability(1000, 30 * MB, ("example.com",)),
    "mailgun": Capability(1000, 25 * MB, ("example.com", "example.org"), blocked_extensions=frozenset({"exe"})),
    "ses": Capability(2, 1 * MB, ()),
}


@pytest.fixture
def picky(store: Aws) -> Harness:
    return Harness(store, capabilities=CAPABILITIES)


def with_file(name: str, size: int) -> Content:
    return Content("Hi", "there", attachments=(Attachment(name, "application/octet-stream", b"x" * size),))


def test_what_all_can_carry_is_not_restricted(picky: Harness) -> None:
    assert picky.head(picky.take(an_email())).excluded == ()


@pytest.mark.parametrize(
    ("fields", "able"),
    [
        ({"content": with_file("a.pdf", MB)}, ("sendgrid", "mailgun")),
        ({"content": Content("Hi", text="x" * MB)}, ("sendgrid", "mailgun")),  # plain text alone, no HTML
        ({"content": with_file("a.EXE", 1)}, ("sendgrid", "ses")),
        ({"sender": Mailbox("a@example.org")}, ("mailgun", "ses")),
        ({"sender": Mailbox("a@elsewhere.example")}, ("ses",)),
        ({"cc": (somebody(), somebody())}, ("sendgrid", "mailgun")),
        ({"content": with_file("a.exe", MB)}, ("sendgrid",)),
    ],
)
def test_those_that_cannot_are_never_asked(picky: Harness, fields: dict[str, object], able: tuple[str, ...]) -> None:
    for provider in PROVIDERS:
        picky.send.plan(provider, REFUSED)
    email_id = picky.take(an_email(**fields))
    assert tuple(filter(picky.head(email_id).may_use, PROVIDERS)) == able
    picky.work()
    assert picky.send.providers() == list(able)


@pytest.mark.parametrize(
    ("from_domains", "sender", "able"),
    [
        ((), "a@example.co.uk", True),
        ((), "a@mg.example.co.uk", True),
        ((), "a@news.example.co.uk", True),
        ((), "a@other.co.uk", False),
        ((), "a@co.uk", False),
        (("other.co.uk",), "a@other.co.uk", True),
        (("other.co.uk",), "a@example.co.uk", False),
        (("*",), "a@other.example", True),
    ],
)
def test_without_a_setting_a_from_is_aligned_with_the_domain_that_signs(
    store: Aws, from_domains: tuple[str, ...], sender: str, able: bool
) -> None:
    capabilities = {"mailgun": Capability(9, MB, from_domains, organization="mg.example.co.uk")}
    harness = Harness(store, capabilities=capabilities)
    head = harness.head(harness.take(an_email(sender=Mailbox(sender))))
    assert head.may_use("mailgun") is able
    assert head.may_use("sendgrid")


def test_no_way_out_names_every_reason_and_stores_nothing(picky: Harness) -> None:
    email = an_email(sender=Mailbox("a@elsewhere.example"), content=with_file("a.exe", 2 * MB))
    with pytest.raises(Invalid) as refused:
        picky.accept(email, project="team", key=None)
    ((field, message),) = refused.value.errors
    assert field == "providers"
    assert "sendgrid: may not send from elsewhere.example" in message
    assert "mailgun: may not send from elsewhere.example" in message
    assert "ses: takes 1,000,000 bytes at most" in message
    assert list(picky.recipients.emails_to(email.to[0].key, "team")) == []
    assert picky.queue.published() == []


def test_only_the_emails_own_providers_are_looked_at(picky: Harness) -> None:
    big = partial(an_email, content=with_file("a.pdf", 2 * MB))
    with pytest.raises(Invalid, match="ses: takes"):
        picky.take(big(providers=("ses",)))
    head = picky.head(picky.take(big(providers=("ses", "mailgun"))))
    assert (head.providers, head.excluded) == (("ses", "mailgun"), ("ses",))


def test_what_was_accepted_once_is_not_refused_when_it_is_asked_again(picky: Harness, store: Aws) -> None:
    email = an_email(content=with_file("a.pdf", 2 * MB))
    first = picky.take(email, key="preflight-replay")
    stricter = Harness(store, capabilities=dict.fromkeys(PROVIDERS, Capability(1000, MB)))
    assert stricter.accept(email, project="team", key="preflight-replay").head.email_id == first
