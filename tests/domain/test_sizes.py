"""Sizes on the wire: estimates that are rather too large than too small."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.domain.email import Content, Mailbox
from app.domain.sizes import header_section_bytes, metadata_bytes, options_bytes
from app.providers.sdk import mime, payload
from tests.providers.case import SAMPLE

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)
BOXES = st.lists(st.builds(Mailbox, st.just("anne.example@mail.example.com"), TEXT), max_size=5).map(tuple)
NAMES = st.text("Xabc-", min_size=1, max_size=30)
CONTENTS = st.builds(
    Content,
    subject=TEXT,
    text=st.just("t"),
    reply_to=BOXES,
    headers=st.lists(st.tuples(NAMES.map("X-{}".format), TEXT), max_size=10).map(tuple),
    tags=st.lists(TEXT, max_size=5).map(tuple),
    metadata=st.dictionaries(NAMES, TEXT, max_size=10),
)


@given(BOXES, BOXES, CONTENTS)
def test_the_header_section_is_not_larger_than_expected(
    to: tuple[Mailbox, ...], cc: tuple[Mailbox, ...], content: Content
) -> None:
    copy = replace(SAMPLE, to=to, cc=cc, visible_to=to, visible_cc=cc, content=content)
    section, _, _ = mime.render(copy).partition(b"\r\n\r\n")
    assert len(section) <= header_section_bytes(copy)


@given(CONTENTS)
def test_metadata_is_not_larger_than_expected(content: Content) -> None:
    ours = {payload.EMAIL_ID: "eml_evllchbu4nrf4ammezyego3bbq", payload.ATTEMPT: "100000"}
    sent = json.dumps({**content.metadata, **ours}, ensure_ascii=False).encode()
    assert len(sent) <= metadata_bytes(content) <= len(sent) + 200


@given(CONTENTS)
def test_options_are_not_larger_than_expected(content: Content) -> None:
    named = [*content.headers, *content.metadata.items(), *(("tag", tag) for tag in content.tags)]
    ours = [(payload.EMAIL_ID, "eml_evllchbu4nrf4ammezyego3bbq"), (payload.ATTEMPT, "100000")]
    reply_to = [("Reply-To", ", ".join(f'"{one.name}" <{one.address}>' for one in content.reply_to))]
    sent = sum(len(f"x:{name}{value}".encode()) for name, value in (*named, *ours, *reply_to))
    assert sent <= options_bytes(content)


def test_plain_ascii_takes_what_it_is_long_and_all_else_as_much_as_encoded_words() -> None:
    def grows_by(subject: str) -> int:
        empty, filled = (replace(SAMPLE, content=Content(subject=text, text="t")) for text in ("", subject))
        return header_section_bytes(filled) - header_section_bytes(empty)

    assert grows_by("x" * 100) == 100
    assert grows_by("=?" + "x" * 98) == 78 + 200  # looks encoded, so that it is encoded
    assert grows_by("ü" * 50) == 78 + 200
