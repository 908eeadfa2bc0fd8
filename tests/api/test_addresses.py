"""Mailboxes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.addresses import CONTROL, NAME_LIMIT, bare, read
from app.domain.email import Mailbox


@pytest.mark.parametrize(
    ("text", "address", "name"),
    [
        ("ann@example.com", "ann@example.com", ""),
        ("  ann@example.com ", "ann@example.com", ""),
        ("<ann@example.com>", "ann@example.com", ""),
        ("Ann <ann@example.com>", "ann@example.com", "Ann"),
        ("Ann<ann@example.com>", "ann@example.com", "Ann"),
        ("Dr. Jürgen Groß <j@example.com>", "j@example.com", "Dr. Jürgen Groß"),
        ("O'Brien (Sales) <o@example.com>", "o@example.com", "O'Brien (Sales)"),
        ("ann@example.com <ann@example.com>", "ann@example.com", "ann@example.com"),
        ('"Smith, Ann" <ann@example.com>', "ann@example.com", "Smith, Ann"),
        (r'"Ann \"A\" \\ Smith" <ann@example.com>', "ann@example.com", r'Ann "A" \ Smith'),
        ('"" <ann@example.com>', "ann@example.com", ""),
        ("=?utf-8?q?a=0D=0Ab?= <ann@example.com>", "ann@example.com", "=?utf-8?q?a=0D=0Ab?="),
        ("Ann.Smith+tag@Sub.Example.COM", "Ann.Smith+tag@sub.example.com", ""),
        ("ann@exämple.de", "ann@xn--exmple-cua.de", ""),
        ("ann@ｅxample.com", "ann@example.com", ""),
        ("ann@shop.test", "ann@shop.test", ""),
        ("alice@x.example (Alice)", "alice@x.example", "Alice"),
        ("alice@x.example(Alice, née O'Neil)", "alice@x.example", "Alice, née O'Neil"),
        ("alice@x.example ()", "alice@x.example", ""),
        # Dots where RFC 5321 wants quotes, as hosts have them.
        ('"user..name"@docomo.ne.jp', '"user..name"@docomo.ne.jp', ""),
        ('"user."@docomo.ne.jp', '"user."@docomo.ne.jp', ""),
        ('Ann <".user"@docomo.ne.jp>', '".user"@docomo.ne.jp', "Ann"),
        ('"Smith, Ann" <"user..name"@docomo.ne.jp>', '"user..name"@docomo.ne.jp', "Smith, Ann"),
        ('"user..name"@docomo.ne.jp (Ann)', '"user..name"@docomo.ne.jp', "Ann"),
        ('"user..name"@exämple.de', '"user..name"@xn--exmple-cua.de', ""),
        ('"ann"@example.com', "ann@example.com", ""),  # quotes that say nothing, so that one mailbox is one address
    ],
)
def test_what_is_read(text: str, address: str, name: str) -> None:
    assert read(text) == Mailbox(address, name)


SEVERAL = (
    "a@example.com, b@example.com",
    "a@example.com; b@example.com",
    "a@example.com b@example.com",
    "a@example.com, Ann <b@example.com>",
    "Ann <a@example.com>, Bob <b@example.com>",
    '"Smith, Ann" <a@example.com>, "Jones, Bob" <b@example.com>',
    ", ".join(f"a{n}@example.com" for n in range(100)),
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("Ann <>", "it is empty"),
        ("ann", "not an email address"),
        ("ann@localhost", "not an email address"),
        ("ünn@example.com", "not supported"),
        *((several, "put each address into a list") for several in SEVERAL),
        ("Smith, Ann <ann@example.com>", "needs quotes"),
        ("Ann <ann@example.com> or so", "must look like"),
        ("Ann <ann@example.com", "must look like"),
        ('"Ann <ann@example.com>', "must look like"),
        ('Ann "A" Smith <ann@example.com>', "must look like"),
        ("<Ann> <ann@example.com>", "must look like"),
        ("Ann\r\nBcc: eve@example.com <ann@example.com>", "line breaks"),
        ("Ann\u2028 <ann@example.com>", "line breaks"),
        ("ann@example.com\0", "control characters"),
        ("ann@[192.0.2.1]", "not an email address"),
        ('"ann b"@example.com', "must look like"),
        ("a" * 65 + "@example.com", "not an email address"),
        ("ann@" + "x" * 300 + ".com", "not an email address"),
        ("n" * (NAME_LIMIT + 1) + " <a@b.example.com>", "at most"),
        ("x" * 10_000, "too long"),
        ("user..name@docomo.ne.jp", 'write "user..name"@docomo.ne.jp'),
        ("user.@docomo.ne.jp", 'write "user."@docomo.ne.jp'),
        ("a..ü@docomo.ne.jp", "two periods in a row.$"),
        ("a..b@localhost", "not an email address"),
        # Quotes could hide a second mailbox from one parser and show it to another.
        ('"a@example.com, b"@example.com', "must look like"),
        ('"a@b"@example.com', "must look like"),
        ('"a\\"b"@example.com', "must look like"),
        ('"a"@"b"@example.com', "must look like"),
        ("alice@x.example (Alice) <b@x.example>, c@x.example", "put each address"),
        ("alice@x.example (Alice", "not an email address"),
        ('"' + "\\" * 500, "must look like"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(text)


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).map(lambda text: CONTROL.sub("", text).strip())


@given(names)
def test_what_is_written_is_read_as_it_was(name: str) -> None:
    mailbox = Mailbox("ann@example.com", name)
    assert read(str(mailbox)) == mailbox


@given(st.text())
def test_reading_never_fails_in_another_way(text: str) -> None:
    try:
        mailbox = read(text)
    except ValueError:
        return
    assert mailbox.address.isascii()
    assert not CONTROL.search(mailbox.address + mailbox.name)


@given(st.text('"@,;<>() ab.\\', max_size=30))
def test_one_mailbox_is_read_or_none(text: str) -> None:
    try:
        mailbox = read(text)
    except ValueError:
        return
    assert mailbox.address.count("@") == 1
    assert not set(" ,;<>()\\") & set(mailbox.address)


@pytest.mark.parametrize("text", ['"' * 4_000_000, '"\\' * 2_000_000, "@a," * 1_000_000, " " * 4_000_000])
@pytest.mark.timeout(60)
def test_a_long_text_takes_no_long_time(text: str) -> None:
    for reading in (read, bare):
        with pytest.raises(ValueError, match=r"too long|several|empty"):
            reading(text)
