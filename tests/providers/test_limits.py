"""The tables of limits: complete, with sources, and read by `build`."""

import re
from dataclasses import fields, replace
from typing import Any

import pytest

from app.domain.capability import EVERY_NAME, Capability
from app.domain.eligibility import misfit
from app.domain.email import Attachment, Content, Mailbox, Message
from app.providers import registry
from app.providers.sdk.content_types import ContentTypes, content_type
from app.providers.sdk.contract import AnyProvider
from app.providers.sdk.limits import Limits
from app.providers.sdk.refusal import Unsendable
from tests.providers.case import SAMPLE
from tests.support.limits import some_limits

ROWS = [field.name for field in fields(Limits)]
DAY = re.compile(r"20\d\d-[01]\d-[0-3]\d")


@pytest.mark.parametrize("name", registry.PROVIDERS)
def test_every_value_has_a_source_and_the_day_on_which_it_was_read(name: str) -> None:
    table = registry.limits(name)
    for row in ROWS:
        limit = getattr(table, row)
        assert limit.source, row
        assert DAY.fullmatch(limit.read), row


def test_a_table_without_one_of_the_rows_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="regions"):
        Limits(**{row: getattr(registry.limits("ses"), row) for row in ROWS if row != "regions"})


@pytest.mark.parametrize("name", registry.PROVIDERS)
def test_names_and_extensions_are_as_they_are_compared(name: str) -> None:
    table = registry.limits(name)
    names = table.reserved_headers.value | table.unique_headers.value | set(table.reserved_header_prefixes.value)
    assert all(one == one.lower() for one in names | table.blocked_extensions.value)
    assert not any("." in extension for extension in table.blocked_extensions.value)
    assert table.ascii_addresses.value <= {"from", "to", "cc", "bcc", "reply_to"}


def test_the_provider_itself_has_the_table(name: str, provider: AnyProvider) -> None:
    assert provider.limits is registry.limits(name)


def test_every_row_that_an_email_may_break_is_in_the_table() -> None:
    of_the_account = {"from_domains", "organization"}
    assert {field.name for field in fields(Capability)} - of_the_account <= set(ROWS)
    own = {row: getattr(registry.limits("mailgun"), row).value for row in ROWS}
    capability = registry.limits("mailgun").capability(("example.com",), "example.org")
    assert (capability.from_domains, capability.organization) == (("example.com",), "example.org")
    assert all(
        getattr(capability, one.name) == own[one.name] for one in fields(Capability) if one.name not in of_the_account
    )


# Each row that `build` refuses by, and a message that breaks it wherever it says anything.
def _broken(table: Limits) -> list[tuple[str, Message]]:
    file = SAMPLE.content.attachments[0]
    jane = Mailbox("jané@example.com")
    broken = [
        *[("header", _with(headers=((name, "x"),))) for name in table.reserved_headers.value],
        *[("header", _with(headers=((f"{prefix}x", "x"),))) for prefix in table.reserved_header_prefixes.value],
        *[
            ("header", _with(headers=((name, "1"), (name, "2"))))
            for name in {name.replace(EVERY_NAME, "X-Any") for name in table.unique_headers.value}
        ],
        *[
            (f".{extension} ", _with(attachments=(replace(file, filename=f"a.{extension.upper()}"),)))
            for extension in table.blocked_extensions.value
        ],
        *[
            (f"{field}: ", message)
            for field, message in {
                "from": replace(SAMPLE, sender=jane),
                "to": replace(SAMPLE, to=(jane,)),
                "cc": replace(SAMPLE, cc=(jane,)),
                "bcc": replace(SAMPLE, bcc=(jane,)),
                "reply_to": _with(reply_to=(jane,)),
            }.items()
            if field in table.ascii_addresses.value
        ],
    ]
    if table.header_name_chars.value:
        broken += [("header", _with(headers=((name, "x"),))) for name in ("", "X: y", "Ü", "X" * 127)]
    if not table.empty_subject.value:
        broken.append(("subject", _with(subject="")))
    if not table.empty_attachments.value:
        broken.append(("empty file", _with(attachments=(replace(file, content=b""),))))
    if table.filename_chars.value:
        broken.append(("file names", _with(attachments=(replace(file, filename="x" * 256),))))
    return broken


def _with(**content: Any) -> Message:
    return replace(SAMPLE, content=replace(SAMPLE.content, **content))


def test_build_refuses_what_the_table_says_in_the_words_of_pre_flight(provider: AnyProvider) -> None:
    broken = _broken(provider.limits)
    assert broken
    for words, message in broken:
        reason = misfit(provider.limits.capability(), message)
        assert words in reason, message
        with pytest.raises(Unsendable, match=re.escape(reason)):
            provider.build(message)


def test_build_wants_somebody_in_to_where_the_table_says_so(provider: AnyProvider) -> None:
    nobody = replace(SAMPLE, to=())
    if provider.limits.to_required.value:
        with pytest.raises(Unsendable, match="to: "):
            provider.build(nobody)
    else:
        assert provider.build(nobody)


def test_an_objection_to_a_file_names_it() -> None:
    table = some_limits(blocked_extensions=frozenset({"exe"}))
    files = (Attachment("a.pdf", "application/pdf", b"x"), Attachment("b.EXE", "x/y", b"x"))
    message = replace(SAMPLE, content=Content("Hi", "there", attachments=files))
    with pytest.raises(Unsendable, match=re.escape("refuses .exe attachments: attachments[1], b.EXE")):
        table.check(message)


def test_tags_are_those_that_the_table_allows() -> None:
    table = some_limits(tags=2, tag_chars=3, tag_characters=re.compile("[a-z]+"))
    assert table.fitting_tags(["long", "a b", "abc", "abc", "b", "c"]) == ["abc", "b"]
    assert some_limits().fitting_tags(["ü" * 500, "b"]) == ["ü" * 500, "b"]


def test_metadata_is_what_the_table_allows() -> None:
    table = some_limits(metadata_name_chars=2, metadata_value_chars=3, metadata_characters=re.compile("[a-z]+"))
    fits = {pair: table.fits_metadata(*pair) for pair in [("ab", "abc"), ("abc", "a"), ("a", "abcd"), ("a", "ä")]}
    assert [pair for pair, does in fits.items() if does] == [("ab", "abc")]


@pytest.mark.parametrize(
    ("taken", "given", "shown"),
    [
        (ContentTypes.ANY, "text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        (ContentTypes.BARE, "text/plain ; charset=utf-8", "text/plain"),
        (ContentTypes.BARE, "", ""),
        (ContentTypes.FITTING, "text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        (ContentTypes.FITTING, "text/csv", ""),
    ],
)
def test_a_content_type_is_said_as_the_provider_takes_it(taken: ContentTypes, given: str, shown: str) -> None:
    assert content_type(Attachment("a.txt", given, b"x"), taken) == shown
