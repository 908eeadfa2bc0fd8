"""The HTML of an email in its frame, its source, and the form's request: whatever is in them."""

import email
import email.policy
import io
import re
import time
from typing import Any

import pytest
from aiohttp.web import FileField
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from app.local.playground import compose, frame, source
from app.local.playground.api import Answer

PIXEL = "iVBORw0KGgo="


def message(**changes: Any) -> dict[str, Any]:
    return {
        "from": "App <app@example.com>",
        "to": ["Bo Ödman <bo@example.com>"],
        "cc": [],
        "bcc": ["secret@example.com"],
        "reply_to": [],
        "subject": "Grüße",
        "text": "Hello\n",
        "html": "<p>Hello</p>",
        "headers": {},
        "attachments": [],
        "received_at": "2030-01-31T18:00:00.000Z",
        **changes,
    }


def picture(content_type: str = "image/png", content_id: str = "<logo>", content: str = PIXEL) -> dict[str, Any]:
    return {"filename": "l", "content_type": content_type, "content_id": content_id, "content": content, "size": 8}


INERT = "<html inert>"


@pytest.mark.parametrize("name", ["base", "LINK", "meta", "iframe", "Frame", "object", "embed", "fencedframe"])
def test_what_could_lead_elsewhere_is_taken_out(name: str) -> None:
    assert frame.document(message(html=f"<{name} x>a</{name}>")) == f"{INERT}<no-{name} x>a</{name}>"


def test_other_elements_stay_as_they_are() -> None:
    html = "<linker><metal><p class=a>x</p><base-x><!-- c --><table><tr><td>1</table>"
    assert frame.document(message(html=html)) == INERT + html


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<p>x", f"{INERT}<p>x"),
        ("\n<!DOCTYPE html><html><p>x", f"\n<!DOCTYPE html>{INERT}<html><p>x"),
        ('<!doctype html "><html><p>', f'<!doctype html ">{INERT}<html><p>'),
        ("<!doctype", f"{INERT}<!doctype"),
        ("<p><!doctype html>", f"{INERT}<p><!doctype html>"),
        ("", INERT),
    ],
)
def test_all_of_it_is_inert(html: str, shown: str) -> None:
    assert frame.document(message(html=html)) == shown


def test_only_pictures_of_the_email_are_put_into_it() -> None:
    html = '<img src="cid:logo"><img src=cid:other><img src="CID:logo">'
    shown = frame.document(message(html=html, attachments=[picture()]))
    put = f'<img src="data:image/png;base64,{PIXEL}">'
    assert shown == f"{INERT}{put}<img src=cid:other>{put}"
    for kind in ("text/html", "image/png;x", "image/", "image/a b"):
        assert frame.document(message(html=html, attachments=[picture(kind)])) == INERT + html


def test_a_picture_is_not_put_there_without_end() -> None:
    large = picture(content="A" * 4_000_000)
    shown = frame.document(message(html='<img src="cid:logo">' * 1_000, attachments=[large]))
    assert len(shown) < frame.INLINE_BYTES + 100_000


def test_the_source_can_be_read_again() -> None:
    attachments = [picture(), {**picture("application/pdf", ""), "filename": "Übersicht.pdf"}]
    raw = source.write(message(headers={"X-Kind": "receipt"}, attachments=attachments))
    read = email.message_from_bytes(raw, policy=email.policy.default)

    assert (read["subject"], read["to"], read["x-kind"]) == ("Grüße", "Bo Ödman <bo@example.com>", "receipt")
    assert "secret@example.com" not in raw.decode()
    plain, html = read.get_body(("plain",)), read.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert (plain.get_content(), html.get_content()) == ("Hello\r\n", "<p>Hello</p>\r\n")
    assert [part.get_filename() for part in read.iter_attachments()][-1] == "Übersicht.pdf"
    assert "Content-ID: <logo>" in raw.decode()


BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # what str.splitlines breaks at
TEXT = st.text(max_size=40) | st.text(alphabet=BREAKS + 'a\x00"\\;=?@<>,', max_size=6)
ODD = st.builds(
    message,
    **dict.fromkeys(("from", "subject", "text", "html"), TEXT),
    to=st.lists(TEXT, max_size=2),
    reply_to=st.lists(TEXT, max_size=2),
    headers=st.dictionaries(TEXT, TEXT, max_size=2),
    attachments=st.lists(
        st.builds(lambda a, b, c: {**picture(a, b), "filename": c}, TEXT | st.just("message/rfc822"), TEXT, TEXT),
        max_size=2,
    ),
)


@given(ODD)
def test_no_email_is_too_odd_to_be_shown(odd: dict[str, Any]) -> None:
    assert source.write(odd)
    assert isinstance(frame.document(odd), str)


@given(st.text(alphabet="<>ahref='\"/ linkmtcid:#", max_size=300))
def test_no_html_brings_an_element_back(html: str) -> None:
    shown = frame.document(message(html=html, attachments=[picture()]))
    assert not re.search(r"<(?:link|meta)(?![\w-])", shown, re.IGNORECASE)


@pytest.mark.parametrize("part", ["<a ", "cid:", "<", "<link", "<!doctype "])
def test_long_html_takes_no_long_time(part: str) -> None:
    html = part * (2_000_000 // len(part))
    began_s = time.process_time()
    frame.document(message(html=html, attachments=[picture()]))
    assert time.process_time() - began_s < 5


@pytest.mark.parametrize(
    ("given_text", "to"),
    [
        ("ann@example.com", ["ann@example.com"]),
        (" ann@example.com, bob@example.com;cyd@example.com\ndan@example.com,", ["ann@example.com", "bob@example.com",
                                                                                "cyd@example.com", "dan@example.com"]),
        ('"Doe, Jane" <jane@example.com>, bob@example.com', ['"Doe, Jane" <jane@example.com>', "bob@example.com"]),
        ("", []),
        (" , ", []),
    ],
)  # fmt: skip
def test_several_recipients_in_one_line(given_text: str, to: list[str]) -> None:
    assert compose.request({"to": given_text}, None) == {"to": to, "subject": ""}


def test_each_error_stands_at_its_field() -> None:
    errors = [
        {"field": "from", "message": "is required"},
        {"field": "to[0]", "message": "is no address"},
        {"field": "to[2]", "message": "is no address"},
        {"field": "attachments[0].content", "message": "is too large"},
        {"field": "text", "message": "is required, unless there is html"},
    ]
    form = compose.failed({}, Answer(422, {"errors": errors}), "http://127.0.0.1:8000")
    assert form.errors == {
        "from": ["is required"],
        "to": ["is no address", "number 3 is no address"],
        "attachment": ["is too large"],
        "text": ["is required, unless there is html"],
    }
    assert form.problem == ""


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (None, "The API does not answer at http://127.0.0.1:8000."),
        (Answer(503, {"detail": "the storage does not answer; try again"}), "the storage does not answer; try again"),
        (Answer(500, {}), "The API answered 500."),
        (Answer(422, {"errors": [{"field": "tags[3]", "message": "is too long"}]}), "tags[3]: is too long"),
    ],
)
def test_what_belongs_to_no_field_stands_above_the_form(answer: Answer | None, problem: str) -> None:
    form = compose.failed({}, answer, "http://127.0.0.1:8000")
    assert (form.problem, form.errors) == (problem, {})


def test_an_attached_file_is_sent_with_its_name_and_type() -> None:
    none: CIMultiDict[str] = CIMultiDict()
    content = io.BufferedReader(io.BytesIO(b"Hello"))
    file = FileField("attachment", "a.txt", content, "text/plain", CIMultiDictProxy(none))
    assert compose.request({}, file)["attachments"] == [
        {"filename": "a.txt", "content": "SGVsbG8=", "content_type": "text/plain"}
    ]


def test_samples_are_to_somebody_else_each_time() -> None:
    samples = compose.Samples()
    taken = [samples.take(1)[0], *samples.take(10)]
    assert len({tuple(each["to"]) for each in taken[:10]}) == 10
    assert taken[10]["to"] == taken[0]["to"]
