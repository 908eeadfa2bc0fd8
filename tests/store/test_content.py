"""Contents: packed, inline while small, in the bucket when large."""

import random
import zlib
from dataclasses import replace
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.email import Attachment, Content, Mailbox
from app.domain.head import Head
from app.settings import INLINE_BYTES, LARGEST_INLINE
from app.store.content import ContentItem, Contents
from app.store.content_packing import pack, unpack
from app.store.heads import Heads
from tests.support.aws import BUCKET, Aws
from tests.support.samples import a_head

NOW_MS = 1_800_000_000_000

# Incompressible, and full of line ends.
NOISE = random.Random(7).randbytes(LARGEST_INLINE)  # noqa: S311 because this is no secret


def no_bucket() -> NoReturn:
    pytest.fail("nobody needs the bucket for this")


def with_noise(size: int) -> Content:
    return Content("Invoice", text="attached", attachments=(Attachment("a.bin", "application/pdf", NOISE[:size]),))


def put(aws: Aws, content: Content, limit: int = INLINE_BYTES, **fields: object) -> tuple[Head, ContentItem]:
    """The head under which the content was stored, which is stored as well; and the item of the content."""
    head = a_head(NOW_MS, accepted_by=uuid4().hex, **fields)
    Contents(lambda: aws.s3, BUCKET, limit).put(head, content)
    assert Heads().create(head, NOW_MS)
    return head, ContentItem.get(head.email_id, f"content#{head.accepted_by}", consistent_read=True)


def get(aws: Aws, email_id: str) -> Content | None:
    return Contents(lambda: aws.s3, BUCKET).open(email_id)[1]()


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
    head, _ = put(store, content)
    stored, load = Contents(no_bucket, BUCKET).open(head.email_id)
    assert stored is not None
    assert (stored.accepted_by, load()) == (head.accepted_by, content)


def test_a_large_text_that_compresses_well_stays_in_the_table(store: Aws) -> None:
    content = Content("Report", html="<tr><td>1</td></tr>" * 100_000)
    head, item = put(store, content)
    assert item.object_key is None
    assert Contents(no_bucket, BUCKET).open(head.email_id)[1]() == content


@pytest.mark.parametrize("size", [INLINE_BYTES - 1_000, INLINE_BYTES])
def test_the_limit_is_on_the_packed_bytes(store: Aws, size: int) -> None:
    content = with_noise(size)
    large = len(pack(content)) > INLINE_BYTES
    assert large is (size == INLINE_BYTES)
    head, item = put(store, content)
    assert (item.packed is None, item.object_key is not None) == (large, large)
    assert get(store, head.email_id) == content


@pytest.mark.parametrize(
    ("lives_for_days", "prefix"),
    [(8, "10d"), (9, "10d"), (9.01, "20d"), (19, "20d"), (19.1, "45d"), (44.1, "75d"), (67, "75d")],
)
def test_a_large_content_is_one_object_below_the_prefix_of_its_lifetime(
    store: Aws, lives_for_days: float, prefix: str
) -> None:
    """An object outlives its email by a day at least, because S3 counts whole days, from midnight to midnight."""
    head, item = put(store, with_noise(INLINE_BYTES), ttl_s=NOW_MS // 1000 + int(lives_for_days * 86_400))
    assert item.object_key == f"content/{prefix}/{head.email_id}/{head.accepted_by}"
    answer: Any = store.s3.get_object(Bucket=BUCKET, Key=item.object_key)
    assert unpack(answer["Body"].read()) == with_noise(INLINE_BYTES)


@pytest.mark.parametrize(("limit", "is_inline"), [(0, False), (100, False), (1_000, True), (LARGEST_INLINE, True)])
def test_the_limit_is_a_setting(store: Aws, limit: int, is_inline: bool) -> None:
    head, item = put(store, with_noise(500), limit)
    assert (item.object_key is None) is is_inline
    assert get(store, head.email_id) == with_noise(500)


def test_a_content_ends_with_its_email(store: Aws) -> None:
    head, item = put(store, Content("Hello", text="again"))
    assert item.ttl.timestamp() == head.ttl_s


@pytest.mark.parametrize("size", [0, INLINE_BYTES])
def test_a_request_that_lost_a_race_changes_nothing_of_the_content(store: Aws, size: int) -> None:
    first = replace(with_noise(size), headers=(("X-One", "1"), ("X-Two", "2")))
    head, _ = put(store, first)
    for number in range(3):
        loser = replace(head, accepted_by=f"loser{number}")
        Contents(lambda: store.s3, BUCKET).put(loser, replace(first, headers=first.headers[::-1]))
    assert get(store, head.email_id) == first


def test_a_head_behind_more_contents_than_fit_a_page_is_found(store: Aws) -> None:
    content = with_noise(LARGEST_INLINE - 1_000)
    head, _ = put(store, content, LARGEST_INLINE)
    for number in range(4):
        loser = replace(head, accepted_by=f"loser{number}")
        Contents(no_bucket, BUCKET, LARGEST_INLINE).put(loser, content)
    stored, load = Contents(no_bucket, BUCKET).open(head.email_id)
    assert stored is not None
    assert load() == content


def test_an_email_that_is_not_there_has_neither_head_nor_content(store: Aws) -> None:
    stored, load = Contents(no_bucket, BUCKET).open("eml_nobody")
    assert (stored, load()) == (None, None)


def test_a_content_that_is_missing_or_damaged_is_none(store: Aws, caplog: pytest.LogCaptureFixture) -> None:
    head, item = put(store, Content("Hello", text="secret"))
    for packed in (b"", b"x", zlib.compress(b"{}"), zlib.compress(b"{"), zlib.compress(b"[]\n")):
        item.packed = packed
        item.save()
        assert get(store, head.email_id) is None
        assert vars(caplog.records[-1])["email_id"] == head.email_id
    item.delete()
    assert get(store, head.email_id) is None
    assert "secret" not in caplog.text


def test_an_object_that_is_gone_is_none_and_one_that_cannot_be_read_now_is_an_error(store: Aws) -> None:
    head, item = put(store, with_noise(INLINE_BYTES))
    store.s3.delete_object(Bucket=BUCKET, Key=item.object_key)
    assert get(store, head.email_id) is None
    with pytest.raises(ClientError, match="NoSuchBucket"):
        Contents(lambda: store.s3, "no-such-bucket").open(head.email_id)[1]()


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


def kept(aws: Aws, head: Head, ttl_s: int, now_ms: int) -> ContentItem:
    Contents(lambda: aws.s3, BUCKET).keep(replace(head, ttl_s=ttl_s), now_ms)
    return ContentItem.get(head.email_id, f"content#{head.accepted_by}", consistent_read=True)


@pytest.mark.parametrize("size", [0, INLINE_BYTES])
def test_what_is_kept_for_longer_is_the_same(store: Aws, size: int) -> None:
    head, _ = put(store, with_noise(size))
    item = kept(store, head, head.ttl_s + 86_400, NOW_MS)
    assert item.ttl.timestamp() == head.ttl_s + 86_400
    assert get(store, head.email_id) == with_noise(size)


def test_an_object_is_written_again_below_the_prefix_of_the_time_that_is_left(store: Aws) -> None:
    """The rule that deletes it counts from its last write."""
    head, before = put(store, with_noise(INLINE_BYTES))
    week_ms = 7 * 86_400_000
    again = kept(store, head, head.ttl_s + 7 * 86_400, NOW_MS + week_ms)
    assert again.object_key == before.object_key == f"content/10d/{head.email_id}/{head.accepted_by}"
    longer = kept(store, head, head.ttl_s + 30 * 86_400, NOW_MS + week_ms)
    assert longer.object_key == f"content/45d/{head.email_id}/{head.accepted_by}"
    assert get(store, head.email_id) == with_noise(INLINE_BYTES)


def test_it_is_never_kept_for_less_long(store: Aws) -> None:
    head, _ = put(store, with_noise(0))
    kept(store, head, head.ttl_s + 86_400, NOW_MS)
    assert kept(store, head, head.ttl_s + 60, NOW_MS).ttl.timestamp() == head.ttl_s + 86_400


def test_what_is_gone_stays_so(store: Aws) -> None:
    head, item = put(store, with_noise(INLINE_BYTES))
    store.s3.delete_object(Bucket=BUCKET, Key=item.object_key)
    assert kept(store, head, head.ttl_s + 86_400, NOW_MS).ttl.timestamp() == head.ttl_s
    item.delete()
    Contents(no_bucket, BUCKET).keep(replace(head, ttl_s=head.ttl_s + 86_400), NOW_MS)
    assert get(store, head.email_id) is None
