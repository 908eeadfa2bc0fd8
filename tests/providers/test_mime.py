"""MIME: whatever is rendered reads back as what was meant, by the standard library's parser."""

import email
import re
from dataclasses import replace
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage, MIMEPart
from email.utils import getaddresses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.email import Attachment, Content, Mailbox, Message
from app.domain.headers import LINE_LIMIT
from app.providers.sdk import mime
from app.providers.sdk.refusal import Unsendable
from tests.providers.case import ANNE, BO, CAT, SAMPLE

PDF = Attachment("bill.pdf", "application/pdf", b"%PDF-\x00\xff")
LOGO = Attachment("logo.png", "image/png", b"\x89PNG", content_id="logo")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def parse(raw: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def render(**changes: object) -> EmailMessage:
    """SAMPLE with another content, there and back."""
    return parse(mime.render(replace(SAMPLE, content=Content(**({"subject": "Hi", "text": "t"} | changes)))))  # type: ignore[arg-type] # because the fields vary


def shape(part: MIMEPart) -> object:
    """The tree of media types."""
    if not part.is_multipart():
        return part.get_content_type()
    return [part.get_content_subtype(), *(shape(inner) for inner in part.iter_parts())]


def content(part: MIMEPart | None) -> object:
    assert part is not None
    return part.get_content()


@pytest.mark.parametrize(
    ("changes", "tree"),
    [
        ({"text": "t"}, "text/plain"),
        ({"text": "", "html": "h"}, "text/html"),
        ({"text": "", "html": ""}, "text/plain"),
        ({"html": "h"}, ["alternative", "text/plain", "text/html"]),
        ({"attachments": (PDF,)}, ["mixed", "text/plain", "application/pdf"]),
        ({"text": "", "html": "h", "attachments": (LOGO,)}, ["related", "text/html", "image/png"]),
        (
            {"html": "h", "attachments": (PDF, LOGO)},
            [
                "mixed",
                ["related", ["alternative", "text/plain", "text/html"], "image/png"],
                "application/pdf",
            ],
        ),
        # No HTML that could show it: in multipart/related it would be lost.
        ({"attachments": (LOGO,)}, ["mixed", "text/plain", "image/png"]),
    ],
)
def test_there_is_no_part_without_a_need(changes: dict[str, object], tree: object) -> None:
    assert shape(render(**changes)) == tree


def test_the_root_of_related_is_named() -> None:
    related = render(html="h", attachments=(LOGO,))
    assert related["content-type"].params["type"] == "multipart/alternative"


def test_attachments_come_back_whole() -> None:
    tricky = 'Rëchnung "7"; a=b\\c.pdf'
    invite = Attachment(tricky, 'text/calendar; method=REQUEST; charset="utf-8"', b"BEGIN:VCALENDAR\r\n")
    parsed = render(html="h", attachments=(invite, PDF, LOGO))
    calendar, pdf = parsed.iter_attachments()
    assert (calendar.get_filename(), calendar.get_content_disposition()) == (tricky, "attachment")
    assert calendar["content-type"].params == {"method": "REQUEST", "charset": "utf-8"}
    assert calendar.get_payload(decode=True) == invite.content
    assert (pdf.get_content(), pdf.get_filename(), pdf["content-id"]) == (PDF.content, "bill.pdf", None)
    logo = next(part for part in parsed.walk() if part.get_content_type() == "image/png")
    assert (logo["content-id"], logo.get_content_disposition()) == ("<logo>", "inline")


@pytest.mark.parametrize("content_type", ["message/rfc822", "multipart/mixed", "", "pdf", "a/b\r\nX: y", "/", "ä/b"])
def test_a_media_type_that_cannot_be_base64_is_a_file_of_bytes(content_type: str) -> None:
    (file,) = render(attachments=(Attachment("a", content_type, b"x"),)).iter_attachments()
    assert file.get_content_type() in ("application/octet-stream", "a/b")
    assert file.get_payload(decode=True) == b"x"
    assert set(file.keys()) == {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition"}


def test_a_content_id_is_in_one_pair_of_brackets() -> None:
    logos = tuple(replace(LOGO, content_id=content_id) for content_id in ("<logo>", "logo", "two words"))
    parsed = render(html="h", attachments=logos)
    found = [part["content-id"] for part in parsed.walk() if part.get_content_type() == "image/png"]
    assert found == ["<logo>", "<logo>", None]


def test_the_headers_name_who_got_the_first_copy_and_never_a_bcc() -> None:
    raw = mime.render(replace(SAMPLE, to=(CAT,), cc=(), bcc=(), visible_to=(ANNE, BO), visible_cc=(BO,)))
    parsed = parse(raw)
    people = [(one.display_name, one.addr_spec) for one in parsed["to"].addresses]
    assert people == [("Anne, née Ö", "anne@example.com"), ("", "bo@example.com")]
    assert [one.addr_spec for one in parsed["cc"].addresses] == ["bo@example.com"]
    assert parsed["from"].addresses[0].display_name == "The App"
    assert parsed["reply-to"] == "Help <help@example.com>"
    assert parsed["bcc"] is None
    assert b"cat@example.com" not in raw


def test_what_has_no_value_has_no_header() -> None:
    bare = replace(SAMPLE, visible_to=(), visible_cc=(), content=Content("Hi", text="t"))
    expected = ["From", "Subject", "Message-ID", "MIME-Version"]
    assert [name for name in parse(mime.render(bare)) if not name.startswith("Content-")] == expected


def test_the_message_id_is_the_attempts() -> None:
    sender = Mailbox("no-reply@münchen.example")
    ids = [mime.message_id(replace(SAMPLE, sender=sender, attempt=attempt)) for attempt in (1, 1, 2)]
    assert ids[0] == ids[1] == "<em_0123456789abcdef.1@xn--mnchen-3ya.example>"
    assert ids[2] != ids[0]
    assert parse(mime.render(SAMPLE))["message-id"] == "<em_0123456789abcdef.3@example.com>"


@pytest.mark.parametrize(
    ("box", "written"),
    [
        (Mailbox("a@b.example"), "a@b.example"),
        (Mailbox("a@b.example", "The App"), "The App <a@b.example>"),
        (Mailbox("a@b.example", 'C"at, B\\o'), r'"C\"at, B\\o" <a@b.example>'),
        (Mailbox("a@b.example", "Jürgen"), "=?utf-8?q?J=C3=BCrgen?= <a@b.example>"),
        (Mailbox("a@b.example", "=?utf-8?q?x?="), "=?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <a@b.example>"),
        (Mailbox("a@bücher.example", "x\r\nBcc: e@evil.example"), '"x  Bcc: e@evil.example" <a@xn--bcher-kva.example>'),
    ],
)
def test_mailboxes(box: Mailbox, written: str) -> None:
    assert mime.mailbox(box) == written


@pytest.mark.parametrize("text", ["jürgen@example.com", "a@\udcff.example", "a@ü..example", "a@" + "ü" * 80])
def test_an_address_that_ascii_cannot_say_is_refused(text: str) -> None:
    with pytest.raises(Unsendable):
        mime.address(text)


@pytest.mark.parametrize("name", ["To", "bcc", "Content-Type", "X: y", "X\r\nBcc", "", "Ü"])
def test_a_header_that_is_not_the_clients_to_set_is_refused(name: str) -> None:
    with pytest.raises(Unsendable):
        render(headers=((name, "v"),))


def test_an_ascii_header_that_fits_is_one_line() -> None:
    value = f"<https://example.com/{'u' * 600}>, <mailto:stop@example.com>"
    raw = mime.render(replace(SAMPLE, content=Content("Hi", text="t", headers=(("List-Unsubscribe", value),))))
    assert f"\r\nList-Unsubscribe: {value}\r\n".encode() in raw


REFERENCES = " ".join(f"<{n}.0123456789abcdef0123456789abcdef@mail.example.com>" for n in range(25))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("References", REFERENCES),
        ("In-Reply-To", REFERENCES),
        ("In-Reply-To", "<" + "x" * 994 + ">"),  # alone on its line
        ("List-Unsubscribe", ", ".join(f"<https://example.com/{n}/{'u' * 300}>" for n in range(4))),
        (
            "List-Unsubscribe",
            f"<https://example.com/?q==?utf-8?q?a?=&{'u' * 900}>, <mailto:stop@example.com?subject==?>",
        ),
        ("list-help", "<https://example.com/=?>"),
        ("X-Long", " ".join("word" for _ in range(400))),
    ],
)
def test_an_ascii_header_is_folded_at_spaces_and_never_encoded(name: str, value: str) -> None:
    raw = mime.render(replace(SAMPLE, content=Content("Hi", text="t", headers=((name, value),))))
    lines = raw.decode().partition(f"\r\n{name}:")[2].partition("\r\nMIME-Version")[0].split("\r\n")
    assert max(map(len, lines)) <= 998
    assert "".join(lines).strip() == value
    assert all(line.startswith(" ") and line.strip() for line in lines[1:])


@pytest.mark.parametrize(
    ("name", "value"), [("X-Note", "=?utf-8?q?x?="), ("Subject", "=?utf-8?q?x?="), ("X-Note", "x" * 998)]
)
def test_an_unstructured_header_that_would_be_misread_is_encoded(name: str, value: str) -> None:
    headers = () if name == "Subject" else ((name, value),)
    raw = mime.render(replace(SAMPLE, content=Content(value, text="t", headers=headers)))
    assert f"{name}: =?utf-8?".encode() in raw
    assert value.encode() not in raw
    assert parse(raw)[name] == value


def test_of_a_structured_header_only_a_phrase_is_encoded() -> None:
    raw = mime.render(replace(SAMPLE, content=Content("Hi", text="t", headers=(("List-Id", '"Grüße, alle" <a.b>'),))))
    assert b"\r\nList-Id: =?utf-8?b?R3LDvMOfZSwgYWxsZQ==?= <a.b>\r\n" in raw


@pytest.mark.parametrize(
    ("name", "value"), [("References", "<" + "x" * 995 + ">"), ("List-Help", "<https://ü.example>")]
)
def test_a_structured_header_that_no_line_can_hold_is_refused(name: str, value: str) -> None:
    with pytest.raises(Unsendable, match=name):
        render(headers=((name, value),))


@pytest.mark.parametrize(
    "name",
    [
        *("From", "To", "Cc", "Bcc", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Sender"),
        "Content-Type",
    ],
)
def test_a_header_that_is_written_here_is_refused(name: str) -> None:
    with pytest.raises(Unsendable, match=f"header {name}: cannot be set"):
        render(headers=((name, "a@example.com"),))


def test_metadata_and_tags_are_not_shown() -> None:
    raw = mime.render(replace(SAMPLE, content=Content("Hi", text="t", tags=("tag-x",), metadata={"key-x": "value-x"})))
    assert not re.search(rb"tag-x|key-x|value-x", raw)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200) | st.text("aü \t", min_size=990, max_size=1100)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
BOXES = st.builds(Mailbox, st.emails(), NAMES)
HEADERS = st.tuples(
    st.from_regex(r"X-[A-Za-z0-9!#$%&'*+._`|~^-]{1,124}", fullmatch=True).filter(
        lambda name: name[:5].lower() != "x-ses"
    ),
    TEXT,
)
FILES = st.builds(
    Attachment,
    TEXT,
    st.sampled_from(["application/pdf", "image/png", "text/html; charset=koi8-r", "message/rfc822"]),
    st.binary(max_size=200),
    st.from_regex(r"[A-Za-z0-9._@+-]{0,128}", fullmatch=True),
)
MESSAGES = st.builds(
    Message,
    email_id=st.just("em_0123456789abcdef"),
    attempt=st.integers(1, 99),
    sender=BOXES,
    to=st.just(()),
    cc=st.just(()),
    bcc=st.just(()),
    visible_to=st.lists(BOXES, max_size=3).map(tuple),
    visible_cc=st.lists(BOXES, max_size=3).map(tuple),
    content=st.builds(
        Content,
        subject=TEXT,
        text=TEXT,
        html=TEXT,
        reply_to=st.lists(BOXES, max_size=2).map(tuple),
        headers=st.lists(HEADERS, max_size=3, unique_by=lambda one: one[0].lower()).map(tuple),
        attachments=st.lists(FILES, max_size=3).map(tuple),
    ),
)


def clean(text: str) -> str:
    return CONTROL.sub(" ", text).strip()


def lines(text: object) -> list[str]:
    """Text by its lines, whichever way they end and whether or not the last one does."""
    return re.split("\r\n|\r|\n", re.sub("(\r\n|\r|\n)$", "", str(text)))


def people(boxes: tuple[Mailbox, ...]) -> list[tuple[str, str]]:
    return [(squeeze(clean(box.name)), mime.address(box.address)) for box in boxes]


def listed(raw: bytes, name: str) -> list[tuple[str, str]]:
    """The mailboxes of a header, by the older parser: the newer puts spaces between the words of an encoded name."""
    shown = email.message_from_bytes(raw)[name] or ""
    found = getaddresses([re.sub(r"\r?\n", "", shown)])
    return [(squeeze(str(make_header(decode_header(box)))), address) for box, address in found if address]


def squeeze(name: str) -> str:
    """With runs of spaces as one, as the parsers read them in a display name."""
    return re.sub(r"\s+", " ", name).strip()


@settings(deadline=None)  # the parser, not the code under test, takes its time
@given(MESSAGES)
def test_everything_reads_back(message: Message) -> None:
    raw, given_content = mime.render(message), message.content
    assert raw.isascii()
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", raw) is None
    assert max(map(len, raw.split(b"\r\n"))) <= LINE_LIMIT

    parsed = parse(raw)
    assert not [part.defects for part in parsed.walk() if part.defects]
    assert parsed["subject"] == clean(given_content.subject)
    assert listed(raw, "from") == people((message.sender,))
    assert listed(raw, "to") == people(message.visible_to)
    assert listed(raw, "cc") == people(message.visible_cc)
    assert listed(raw, "reply-to") == people(given_content.reply_to)
    assert {name: str(value) for name, value in parsed.items() if name.lower().startswith("x-")} == {
        name: clean(value) for name, value in given_content.headers
    }
    bodies = {part.get_content_type(): part for part in parsed.walk() if not part.get_content_disposition()}
    assert given_content.html == "" or lines(content(bodies["text/html"])) == lines(given_content.html)
    assert given_content.text == "" or lines(content(bodies["text/plain"])) == lines(given_content.text)
    files = [part for part in parsed.walk() if part.get_content_disposition()]
    assert sorted(part.get_payload(decode=True) for part in files) == sorted(  # type: ignore[type-var] # because bytes
        file.content for file in given_content.attachments
    )
    assert sorted(part.get_filename() or "" for part in files) == sorted(
        clean(file.filename) for file in given_content.attachments
    )
    assert sorted(part["content-id"] or "" for part in files) == sorted(
        f"<{file.content_id}>" if file.content_id else "" for file in given_content.attachments
    )
