"""Addresses and domains in their one form."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.address import address_key, ascii_domain, domain_of, is_domain, normalized

BUECHER = "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("Example.COM", "example.com"),
        ("bücher.example", BUECHER),
        ("BÜCHER.Example", BUECHER),
        ("bu\u0308cher.example", BUECHER),  # decomposed
        ("XN--BCHER-KVA.example", BUECHER),
        ("bücher。example", BUECHER),  # the full stop of Chinese and Japanese
        ("ｅｘａｍｐｌｅ.com", "example.com"),
        ("straße.example", "xn--strae-oqa.example"),  # IDNA 2003 would make it strasse.example, which is another one's
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("a-b.1st.example", "a-b.1st.example"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
    ],
)
def test_a_domain_is_in_ascii_and_lower_case(text: str, domain: str) -> None:
    assert ascii_domain(text) == domain == ascii_domain(domain)
    assert domain_of(f"Ann@{text}") == domain
    assert normalized(f"Ann@{text}") == f"Ann@{domain}"
    assert address_key(f"Ann@{text}") == f"ann@{domain}"


@pytest.mark.parametrize(
    "text",
    [
        *("", "example", "localhost", ".example.com", "example..com", "example.com.", "*.example.com"),
        *("a b.com", "ann@example.com", "https://example.com", "example.com/", "example.com:25", "a_b.example"),
        *("-a.example", "a-.example", "127.0.0.1", "[127.0.0.1]", "a" * 64 + ".example", "a." * 127 + "example"),
        *(
            "xn--a.example",
            "xn--bcher-kva-.example",
            "♥.example",
            "büch er.example",
            "ü" * 64 + ".example",
            "ü..example",
        ),
    ],
)
def test_what_is_no_domain_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(repr(text))} is not a domain such as example.com"):
        ascii_domain(text)
    assert not is_domain(text)
    assert domain_of(f"Ann@{text}") == text.rpartition("@")[2].lower()  # what a provider reports is read all the same


def test_a_local_part_is_composed() -> None:
    assert normalized("Jo\u0308rg@example.com") == "Jörg@example.com"
    assert address_key("JO\u0308RG@example.com") == "jörg@example.com"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ('"A..b"@example.com', '"a..b"@example.com'),
        ("A..b@example.com", '"a..b"@example.com'),
        (".a@example.com", '".a"@example.com'),
        ("a.@example.com", '"a."@example.com'),
        ("a.b@example.com", "a.b@example.com"),
        ("a@example..com", "a@example..com"),
        ("a..b", "a..b"),
        ("a@b..c@d", "a@b..c@d"),
        ("", ""),
    ],
)
def test_two_spellings_of_one_address_have_one_key(address: str, key: str) -> None:
    assert address_key(address) == key == address_key(key)


addresses = st.builds("{}@{}".format, st.text(max_size=12), st.one_of(st.text(max_size=12), st.just("Bücher.Example")))


@given(addresses)
def test_the_form_of_a_form_is_itself(address: str) -> None:
    assert normalized(normalized(address)) == normalized(address)
    assert address_key(address_key(address)) == address_key(address) == address_key(normalized(address))
