"""Contents: packed, inline while small, in the bucket when large."""

import random
from dataclasses import replace
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.email import Attachment, Content, Mailbox
from app.store.content import INLINE_LIMIT_BYTES, ContentItem, Contents, pack, unpack
from tests.support.aws import BUCKET, Aws

TTL_S = 4_000_000_000
# Incompressible, and full of line ends.
NOISE = random.Random(7).randbytes(INLINE_LIMIT_BYTES)  # noqa: S311 because this is no secret


def no_bucket() -> NoReturn:
    pytest.fail("nobody needs the bucket for this")


def with_noise(size: int) -> Content:
    return Content("Invoice", text="attached", attachments=(Attachment("a.bin", "application/pdf", NOISE[:size]),))


def put(aws: Aws, content: Content) -> tuple[str, str, ContentItem]:
    email_id, fingerprint = f"eml_{uuid4().hex}", uuid4().hex
    Contents(lambda: aws.s3, BUCKET).put(email_id, fingerprint, content, TTL_S)
    return email_id, fingerprint, ContentItem.get(email_id, f"content#{fingerprint}", consistent_read=True)


def test_a_small_content_stays_in_the_table_and_never_asks_for_a_bucket(store: Aws) -> None:
    content = Content(
        "Grüße",
        text="ein\nzwei",
        html="<p>☃</p>",
        reply_to=(Mailbox("help@example.com", "Help"), Mailbox("b@example.com")),
        headers=(("X-Campaign", "spring"), ("X-Campaign", "again")),
        attachments=(Attachment("ü.txt", "text/plain", b"line\nline\n"), Attachment("", "image/png", b"", "logo")),
        tags=("reset", "de"),
        metadata={"user": "42", "": ""},
    )
    contents = Contents(no_bucket, BUCKET)
    contents.put("eml_small", "abc", content, TTL_S)
    assert contents.get("eml_small", "abc") == content


def test_a_large_text_that_compresses_well_stays_in_the_table(store: Aws) -> None:
    content = Content("Report", html="<tr><td>1</td></tr>" * 100_000)
    email_id, fingerprint, item = put(store, content)
    assert item.object_key is None
    assert Contents(no_bucket, BUCKET).get(email_id, fingerprint) == content


@pytest.mark.parametrize("size", [INLINE_LIMIT_BYTES - 1_000, INLINE_LIMIT_BYTES])
def test_the_limit_is_on_the_packed_bytes(store: Aws, size: int) -> None:
    content = with_noise(size)
    large = len(pack(content)) > INLINE_LIMIT_BYTES
    assert large is (size == INLINE_LIMIT_BYTES)
    email_id, fingerprint, item = put(store, content)
    assert (item.packed is None, item.object_key is not None) == (large, large)
    assert Contents(lambda: store.s3, BUCKET).get(email_id, fingerprint) == content


def test_a_large_content_is_one_object_of_that_email(store: Aws) -> None:
    email_id, _, item = put(store, with_noise(INLINE_LIMIT_BYTES))
    assert item.object_key.startswith(f"content/{email_id}/")
    answer: Any = store.s3.get_object(Bucket=BUCKET, Key=item.object_key)
    assert unpack(answer["Body"].read()) == with_noise(INLINE_LIMIT_BYTES)


def test_a_content_may_be_put_again_and_ends_with_its_email(store: Aws) -> None:
    content = Content("Hello", text="again")
    email_id, fingerprint, item = put(store, content)
    Contents(no_bucket, BUCKET).put(email_id, fingerprint, content, TTL_S)
    assert Contents(no_bucket, BUCKET).get(email_id, fingerprint) == content
    assert item.ttl.timestamp() == TTL_S


@pytest.mark.parametrize("size", [0, INLINE_LIMIT_BYTES])
def test_of_two_contents_of_one_fingerprint_the_first_stays(store: Aws, size: int) -> None:
    first = replace(with_noise(size), headers=(("X-One", "1"), ("X-Two", "2")))
    email_id, fingerprint, _ = put(store, first)
    contents = Contents(lambda: store.s3, BUCKET)
    contents.put(email_id, fingerprint, replace(first, headers=first.headers[::-1]), TTL_S)
    assert contents.get(email_id, fingerprint) == first


def test_a_content_that_is_not_there_is_an_error(store: Aws) -> None:
    with pytest.raises(ContentItem.DoesNotExist):
        Contents(no_bucket, BUCKET).get("eml_nobody", "abc")


texts = st.text(max_size=40)
mailboxes = st.builds(Mailbox, texts, texts)
attachments = st.builds(Attachment, texts, texts, st.binary(max_size=60), texts)
contents = st.builds(
    Content,
    subject=texts,
    text=texts,
    html=texts,
    reply_to=st.lists(mailboxes, max_size=2).map(tuple),
    headers=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    attachments=st.lists(attachments, max_size=3).map(tuple),
    tags=st.lists(texts, max_size=3).map(tuple),
    metadata=st.dictionaries(texts, texts, max_size=3),
)


@settings(deadline=None)
@given(contents)
def test_unpack_gives_back_what_was_packed(content: Content) -> None:
    assert unpack(pack(content)) == content
