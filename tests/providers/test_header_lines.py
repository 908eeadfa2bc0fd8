"""Header lines: whatever the value, they are short, in ASCII, and say what was meant, or the value is refused."""

import re
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.headers import LINE_LIMIT
from app.providers.sdk.headers import in_ascii, lines, literal
from app.providers.sdk.refusal import Unsendable

WORDS = st.sampled_from(
    ["a", "ü", "<a@b>", "<" + "x" * 994 + ">", '"', ",", "  ", " " * 500, "=?utf-8?q?x?=", "\\", "\r\n", "x" * 997]
)
VALUES = st.lists(WORDS, max_size=12).map("".join) | st.lists(WORDS, max_size=60).map(" ".join)


@given(st.sampled_from(["References", "List-Id", "X-A", "Subject"]), VALUES)
def test_any_value_becomes_lines_or_is_refused(name: str, value: str) -> None:
    try:
        written = lines(name, value)
    except Unsendable:
        assert name not in ("X-A", "Subject"), "text can always be encoded"
        with pytest.raises(Unsendable):
            in_ascii(name, value)
        return
    assert written.isascii()
    assert re.search(r"(?<!\r)\n|\r(?!\n)", written) is None
    assert all(len(line) <= LINE_LIMIT and line.strip() for line in written.split("\r\n"))
    assert all(line.startswith(" ") for line in written.split("\r\n")[1:])
    unfolded, one_line = written.replace("\r\n", "").removeprefix(f"{name}:").strip(), in_ascii(name, value)
    if name in ("References", "List-Id"):
        assert unfolded == one_line
    else:
        assert str(make_header(decode_header(unfolded))) == str(make_header(decode_header(one_line)))


@pytest.mark.parametrize("text", ["=?utf-8?q?=48i?= there", "Grüße =?x", "a =? b"])
def test_text_that_looks_encoded_is_encoded_for_who_encodes_the_rest(text: str) -> None:
    assert literal(text).isascii()
    assert str(make_header(decode_header(literal(text)))) == text


@pytest.mark.parametrize("text", ["", "Hello?", "Grüße", "a=b?c"])
def test_other_text_is_left_to_them(text: str) -> None:
    assert literal(text) == text


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("List-Unsubscribe", "<https://x.example/?=?utf-8?q?a?=>", "<https://x.example/?=?utf-8?q?a?=>"),
        ("X-A", "=?utf-8?q?a?=", "=?utf-8?b?PT91dGYtOD9xP2E/PQ==?="),
        ("X-A", "grün", "=?utf-8?b?Z3LDvG4=?="),
        ("X-A", "a\r\nBcc: b", "a  Bcc: b"),
        ("List-Id", '"Grüße"<list.example>', "=?utf-8?b?R3LDvMOfZQ==?= <list.example>"),
        ("List-Id", "Plain <list.example>", "Plain <list.example>"),
        ("Disposition-Notification-To", "Ü <a@b>, V <c@d>", "=?utf-8?b?w5w=?= <a@b>, V <c@d>"),
    ],
)
def test_on_one_line(name: str, value: str, written: str) -> None:
    assert in_ascii(name, value) == written


def test_a_field_is_on_one_line_if_that_fits_and_else_folded_at_78() -> None:
    fits = f"{'a' * 900} {'b' * 92}"  # with the name before it, 998
    assert lines("X-A", fits) == f"X-A: {fits}"
    written = lines("X-A", "abcdefghi " * 100 + "end")
    assert {len(line) for line in written.split("\r\n")[1:-1]} == {70}


def test_a_line_break_comes_before_no_first_word_that_fits_beside_the_name() -> None:
    first = "a" * 993
    assert lines("X-A", f"{first} bcd") == f"X-A: {first}\r\n bcd"


def test_a_run_of_spaces_in_a_structured_field_is_one() -> None:
    assert lines("References", "<a@b>     <c@d>") == "References: <a@b> <c@d>"


def test_a_quoted_pair_in_a_phrase_is_encoded_as_its_character() -> None:
    assert (
        str(make_header(decode_header(in_ascii("List-Id", r'"Gr\"ü\\n" <list.example>')))) == r'Gr"ü\n <list.example>'
    )
