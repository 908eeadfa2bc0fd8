"""Whatever `build` refuses, pre-flight has found first; and what pre-flight finds is a row of the table."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.capability import Capability
from app.domain.eligibility import objection
from app.domain.email import Attachment, Content, Email, Mailbox, Message
from app.providers.sdk.contract import AnyProvider
from tests.providers.case import CASES
from tests.support.limits import some_limits

FREE = some_limits(recipients=10**6, size_bytes=10**12).capability()
BUILT = {name: case.make("https://api.invalid") for name, case in CASES.items()}


def rarely(odd: st.SearchStrategy[Any], usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly something that every provider takes, so that an email as a whole is often taken."""
    return st.integers(0, 14).flatmap(lambda number: usual if number else odd)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
LOCAL_PARTS = rarely(st.just("jürgen"), st.sampled_from(["anne", '"a b"', "a+b"]))
BOXES = st.builds(
    lambda local, number, name: Mailbox(f"{local}@{number}.example.com", name), LOCAL_PARTS, st.integers(0, 999), TEXT
)
ODD_NAMES = (
    *("Reply-To", "Bcc", "Subject", "Content-Type", "X-SES-CONFIGURATION-SET", "X-SG-ID", "MIME-Version", "Received"),
    *("Date", "Sender", "X: y", "Ü", "X" * 127, "List-Unsubscribe", "list-unsubscribe", "X-Trace", "x-trace"),
)
HEADERS = rarely(
    st.lists(st.tuples(st.sampled_from(ODD_NAMES), st.sampled_from(["v", "v " * 400])), min_size=1, max_size=30),
    st.lists(
        st.tuples(st.sampled_from(["X-A", "X-B", "References", "X" * 126]), st.sampled_from(["v", "=?utf-8?q?x?="])),
        max_size=3,
        unique_by=lambda header: header[0],
    ),
)
FILES = st.builds(
    Attachment,
    rarely(
        st.sampled_from(["c.EXE", "d.reg", ".js", "e.ade", "x" * 252 + ".txt"]),
        st.sampled_from(["a.pdf", "b.csv", "e", "exe", "a/b.txt", "ü.png", "a.tar.gz", "x" * 251 + ".txt"]),
    ),
    st.sampled_from(["application/pdf", "image/jpg", "text/calendar; method=REQUEST", "message/rfc822", "x", ""]),
    rarely(st.just(b""), st.binary(min_size=1, max_size=20)),
    st.sampled_from(["", "logo"]),
)
EMAILS = st.builds(
    Email,
    sender=BOXES,
    to=rarely(st.just(()), st.lists(BOXES, min_size=1, max_size=2, unique_by=lambda box: box.key).map(tuple)),
    cc=rarely(st.lists(BOXES, min_size=1, max_size=60).map(tuple), st.just(())),
    bcc=rarely(st.lists(BOXES, min_size=1, max_size=2).map(tuple), st.just(())),
    content=st.builds(
        Content,
        subject=rarely(st.just(""), TEXT.map("s{}".format)),
        text=st.just("words"),
        html=st.sampled_from(["", "<p>words</p>"]),
        reply_to=st.lists(BOXES, max_size=1).map(tuple),
        headers=HEADERS.map(tuple),
        attachments=st.lists(FILES, max_size=2).map(tuple),
        tags=st.lists(TEXT, max_size=12).map(tuple),
        metadata=st.dictionaries(
            TEXT, rarely(st.sampled_from(["ü" * 2500, "v" * 9900, "v" * 15_900]), TEXT), max_size=3
        ),
    ),
).filter(lambda email: bool(email.to + email.cc + email.bcc))


def copies(email: Email) -> Iterator[Message]:
    """The copies that calls may carry: the whole email, and one for each recipient."""
    everybody = (*email.to, *email.cc, *email.bcc)
    whole = Message(
        "eml_evllchbu4nrf4ammezyego3bbq",
        1,
        email.sender,
        email.to,
        email.cc,
        email.bcc,
        email.to,
        email.cc,
        email.content,
    )
    if email.to:
        yield whole
    yield from (replace(whole, to=(one,), cc=(), bcc=()) for one in everybody)


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None)  # MIME takes its time
@given(email=EMAILS)
def test_what_pre_flight_lets_pass_is_built_and_what_it_stops_breaks_a_row(name: str, email: Email) -> None:
    provider: AnyProvider = BUILT[name]
    capability = provider.limits.capability()
    reason = objection(capability, email)
    if not reason:
        for copy in copies(email):
            assert provider.build(copy)
    else:
        assert any(objection(_without(capability, row.name), email) != reason for row in fields(Capability))


def _without(capability: Capability, row: str) -> Capability:
    """The capability as if the table did not limit this row."""
    return replace(capability, **{row: getattr(FREE, row)})
