"""Whatever form a field is sent in: what is dangerous is refused by name, and what is accepted can be sent."""

import json
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.api.addresses import CONTROL
from app.api.v1.validation import read_email
from app.domain.email import Email, Message
from app.errors import Invalid
from app.providers.sdk import mime
from app.providers.sdk.refusal import Unsendable
from app.store.content_packing import pack, unpack
from app.wiring.parts import Container

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "bob@example.com", "subject": "Hello", "text": "It works."}
CONTROLS = [chr(code) for code in range(0x202A) if CONTROL.match(chr(code))]


def read(body: dict[str, Any]) -> Email:
    return read_email(json.dumps(body).encode(), now_ms=0)


def a_file(**changes: str) -> dict[str, Any]:
    return {"attachments": [{"filename": "a.bin", "content": ""} | changes]}


# Each place that ends up in a header, with the name of the field in it.
PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "from": lambda text: {"from": f"{text} <app@example.com>"},
    "from.name": lambda text: {"from": {"email": "app@example.com", "name": text}},
    "from.email": lambda text: {"from": {"email": f"{text}@example.com"}},
    "to[0]": lambda text: {"to": f"{text}@example.com"},
    "to[0].name": lambda text: {"to": {"email": "ann@example.com", "name": text}},
    "cc[0]": lambda text: {"cc": f"ann@example.com ({text})"},
    "cc[1].name": lambda text: {"cc": ["ann@example.com", {"email": "eve@example.com", "name": text}]},
    "bcc[1]": lambda text: {"bcc": ["", f'"{text}" <ann@example.com>']},
    "bcc[0].email": lambda text: {"bcc": [{"email": f'"{text}"@example.com'}]},
    "reply_to[0]": lambda text: {"reply_to": f'"{text}"@example.com'},
    "subject": lambda text: {"subject": text},
    "headers.X-A": lambda text: {"headers": {"X-A": text}},
    "headers.References": lambda text: {"headers": {"References": text}},
    "headers[0].value": lambda text: {"headers": [{"name": "X-A", "value": text}]},
    "headers[0].name": lambda text: {"headers": [{"name": text, "value": "a"}]},
    "tags[0]": lambda text: {"tags": [text]},
    "tags[1].name": lambda text: {"tags": ["a", {"name": text, "value": "a"}]},
    "tags[0].value": lambda text: {"tags": [{"name": "a", "value": text}]},
    "metadata.a": lambda text: {"metadata": {"a": text}},
    "attachments[0].filename": lambda text: a_file(filename=text),
    "attachments[0].content_type": lambda text: a_file(content_type=f"text/plain; a={text}"),
    "attachments[0].content_id": lambda text: a_file(content_id=text),
    "collapse_key": lambda text: {"collapse_key": text},
}


@pytest.mark.parametrize("field", PLACES)
def test_a_plain_word_passes_there(field: str) -> None:
    read(GOOD | PLACES[field]("word"))


@pytest.mark.parametrize("field", PLACES)
@given(st.sampled_from(CONTROLS), st.sampled_from(["wo{}rd", "{}word", "word{}", "wo{}\r\nBcc: eve@example.com"]))
@settings(max_examples=40)
def test_what_could_end_a_line_is_refused_by_name(field: str, control: str, place: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(GOOD | PLACES[field](place.format(control)))
    assert {name for name, _ in refused.value.errors} == {field}


@pytest.mark.parametrize("field", ["text", "html"])
def test_a_text_has_no_nul(field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(GOOD | {field: "a\0b"})
    assert [name for name, _ in refused.value.errors] == [field]


@pytest.mark.parametrize(
    "text", ["a/b" + ";    " * 99 + '"', "a/b" + ';"' * 200, "a/b; c=" + "d" * 4_000_000, "/" * 4_000_000]
)
@pytest.mark.timeout(60)
def test_no_media_type_takes_long(text: str) -> None:
    with pytest.raises(Invalid):
        read(GOOD | a_file(content_type=text))


LOCALS = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True) | st.sampled_from(['"user..name"', '"user."', "o'neil+tag"])
ADDRESSES = st.builds("{}@{}.example".format, LOCALS, st.sampled_from(["a", "b", "münchen"]))
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)
NAMES = WORDS.map(lambda text: re.sub(r'[<>",;()\\]', "", text))
MAILBOXES = st.one_of(
    ADDRESSES,
    st.builds("{} <{}>".format, NAMES, ADDRESSES),
    st.builds('"{}" <{}>'.format, NAMES, ADDRESSES),
    st.builds("{} ({})".format, ADDRESSES, NAMES),
)
ONE = MAILBOXES | st.fixed_dictionaries({"email": ADDRESSES}, optional={"name": WORDS | st.none()})


@given(
    MAILBOXES, MAILBOXES, st.sampled_from([",", ", ", ";", " ; ", " ", "\t", "\n"]), st.sampled_from(["from", "to[0]"])
)
def test_two_mailboxes_where_one_is_meant_are_refused_by_name(
    first: str, second: str, between: str, field: str
) -> None:
    # What stands before an address in brackets is its name: `ann@example.com via App <app@example.com>` is one mailbox.
    assume(between.strip() or "<" not in second)
    with pytest.raises(Invalid) as refused:
        read(GOOD | {field.removesuffix("[0]"): first + between + second})
    assert [name for name, _ in refused.value.errors] == [field]


FILES = st.fixed_dictionaries(
    {
        "filename": WORDS.filter(bool),
        "content": st.binary(max_size=60).map(lambda data: data.hex()[: len(data) // 2 * 4]),
    },
    optional={
        "content_type": st.sampled_from(["text/calendar; method=REQUEST", 'a/b; c="d; e"', "message/rfc822", "", None]),
        "content_id": st.sampled_from(["logo", "<a.b@c>", "cid:photo", ""]),
    },
)
PAIRS = st.fixed_dictionaries({"name": st.from_regex(r"X-[A-Z]{1,9}", fullmatch=True), "value": WORDS | st.integers()})
STRUCTURED = st.sampled_from(
    [
        {"name": "References", "value": "<a@b> " * 300},
        {"name": "List-Unsubscribe", "value": "<https://a.example/?=?utf-8?q?x?=>"},
        {"name": "List-Id", "value": 'Grüße aus "Münch, en" <list.example>'},
        {"name": "In-Reply-To", "value": "<" + "x" * 994 + ">"},
    ]
)
REQUIRED: dict[str, st.SearchStrategy[Any]] = {
    "from": ONE,
    "subject": WORDS,
    "text": WORDS.filter(bool),
    "bcc": st.just("a@b.example"),
}
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "reply_to": ONE | st.lists(ONE | st.just(""), max_size=3),
    "html": WORDS,
    "headers": st.lists(PAIRS | STRUCTURED, max_size=4, unique_by=lambda pair: str(pair["name"]).lower()),
    "attachments": st.lists(FILES, max_size=3, unique_by=lambda file: file.get("content_id") or str(file)),
    "tags": st.lists(WORDS, max_size=4),
    "metadata": st.dictionaries(
        st.from_regex(r"m[A-Za-z0-9_-]{1,9}", fullmatch=True), WORDS | st.booleans() | st.integers(), max_size=4
    ),
}
BODIES = st.fixed_dictionaries(REQUIRED, optional=OPTIONAL)


@given(BODIES)
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_accepted_can_be_stored_and_carried(parts: Container, body: dict[str, Any]) -> None:
    email = read(body)
    content = unpack(pack(email.content))
    assert content == email.content
    to = email.bcc
    message = Message("eml_a", 1, email.sender, to, (), (), to, (), content)
    raw = mime.render(message)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    parsed = message_from_bytes(raw, policy=policy.default)
    assert str(parsed["Subject"] or "") == content.subject.strip()
    shown = [str(value).strip() for name, value in parsed.items() if name.lower() in names_of(content.headers)]
    assert len(shown) == len(content.headers)
    for name, provider in parts.providers.items():
        try:
            provider.build(message)  # type: ignore[attr-defined] # because the API only listens to it
        except Unsendable:
            assert name != "ses", "MIME can carry whatever is accepted"


def names_of(headers: tuple[tuple[str, str], ...]) -> set[str]:
    return {name.lower() for name, _ in headers}
