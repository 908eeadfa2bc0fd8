"""Which headers are structured, and what a value may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.headers import fault, is_structured, parts


@pytest.mark.parametrize("name", ["References", "in-reply-to", "LIST-UNSUBSCRIBE", "List-Whatever", "Auto-Submitted"])
def test_what_programs_read_is_structured(name: str) -> None:
    assert is_structured(name)


@pytest.mark.parametrize(
    "name",
    [
        *("references", "in-reply-to", "message-id", "from", "to", "cc", "bcc", "sender", "reply-to", "date"),
        *("auto-submitted", "archived-at", "require-recipient-valid-since", "mt-priority"),
        *("disposition-notification-to", "disposition-notification-options", "original-recipient"),
        *("obsoletes", "supersedes", "original-message-id", "expires", "reply-by", "expiry-date"),
        *("importance", "priority", "sensitivity", "deferred-delivery", "autocrypt", "tls-required"),
        *("return-receipt-to", "errors-to", "precedence"),
    ],
)
def test_each_field_with_a_grammar_of_its_own_is_structured(name: str) -> None:
    assert is_structured(name)


@pytest.mark.parametrize("name", ["Subject", "X-List-Id", "Comments", "X-References", "Lists"])
def test_what_people_read_is_not(name: str) -> None:
    assert not is_structured(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "ü" * 998),
        ("References", "<a@b.example> " * 571),
        ("References", "x" * 996),
        ("List-Id", "Grüße <list.example>"),
        ("List-Id", 'Grüße "aus, <b>" <list.example>'),
        ("Disposition-Notification-To", "Jürgen <a@b.example>, Ärne <c@b.example>"),
        ("List-Id", "ü" * 997 + " <list.example>"),  # encoded, it has spaces
        ("List-Help", ""),
    ],
)
def test_what_can_be_carried(name: str, value: str) -> None:
    assert fault(name, value) == ""


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("X-A", "x" * 999, "must have at most 998 characters"),
        ("References", "x " * 4001, "must have at most 8000 characters"),
        (
            "References",
            "<a@b> " + "x" * 997,
            "has 997 characters without a space; a line of an email takes 996 at most",
        ),
        *(
            (name, value, "must be ASCII, except in a name before <…>")
            for name, value in [
                ("References", "<ü@b.example>"),
                ("List-Unsubscribe", "<https://example.com/ü>"),
                ("List-Id", "Grüße"),
                ("List-Id", "Grüße, <list.example>"),
                ("List-Id", "<list.example> Grüße"),
                ("List-Id", '"Grüße <list.example>'),
                ("Auto-Submitted", "auto-generated; reason=grün"),
            ]
        ),
    ],
)
def test_what_cannot(name: str, value: str, why: str) -> None:
    assert fault(name, value).startswith(why)


@given(st.text('<>",;\\ aü'))
def test_the_parts_are_the_whole(value: str) -> None:
    assert "".join(part for part, _ in parts(value)) == value


@pytest.mark.parametrize("value", ['"\\' * 4000, "<" * 8000, 'ü "' * 2666, "ü<" * 4000, '"' * 8000, "ü" * 7999 + "<"])
@pytest.mark.timeout(30)
def test_no_value_takes_long(value: str) -> None:
    fault("References", value)
