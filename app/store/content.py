"""Stores an email's content compressed and apart from the head that names it: in the table, or in S3 if large.

It is stored before the head, with the entries by which recipients and tags find the email, and under the id of the
request (`accepted_by`): a request that comes again never changes what an earlier one has stored.
"""

import json
import logging
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import BinaryAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.email import Attachment, Content, Mailbox
from app.domain.head import Head
from app.errors import ServiceUnavailable
from app.settings import INLINE_BYTES
from app.store.batches import put_all
from app.store.entries import entries_of
from app.store.head_items import PART, HeadItem, read_head
from app.store.ttl import as_ttl

# Objects are deleted by rules of the bucket, one for each prefix (infra/template.yaml): the first of these that is at
# least a day longer than the email's own life. An email lives for 38 days at most.
OBJECTS_LIVE_FOR_DAYS = (10, 20, 45)
GONE = ("NoSuchKey", "404")

_log = logging.getLogger(__name__)


class ContentItem(Model):
    """The content that one request brought: the packed bytes, or the key of the S3 object that holds them.

    Beside such a key, `details` are packed: the content without its texts and files, so that a story needs no object.
    """

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    email_id = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    ttl = TTLAttribute()
    packed = BinaryAttribute(null=True, legacy_encoding=False)
    object_key = UnicodeAttribute(null=True)
    details = BinaryAttribute(null=True, legacy_encoding=False)


class Bucket(Protocol):
    """The methods of botocore's S3 client that are used here."""

    def put_object(self, **arguments: Any) -> Any:
        """Store an object."""

    def get_object(self, **arguments: Any) -> Any:
        """Read an object."""


class Contents:
    """Stores contents. `s3` gives a botocore client; it is called only when a large content is written or read."""

    def __init__(self, s3: Callable[[], Bucket], bucket: str, inline_limit_bytes: int = INLINE_BYTES) -> None:
        """Keep what is packed into more than `inline_limit_bytes` in the bucket."""
        self._s3 = s3
        self._bucket = bucket
        self._inline_limit_bytes = inline_limit_bytes

    def put(self, head: Head, content: Content) -> None:
        """Store the content of a new head, and the items by which its recipients and its tags find the email.

        Raises ServiceUnavailable if not all of it is stored.
        """
        item = ContentItem(head.email_id, content_part(head), ttl=as_ttl(head.ttl_s))
        packed = pack(content)
        if len(packed) <= self._inline_limit_bytes:
            item.packed = packed
        else:
            item.object_key = f"{prefix_of(_days(head))}{head.email_id}/{head.accepted_by}"
            self._s3().put_object(Bucket=self._bucket, Key=item.object_key, Body=packed)
            details = pack(without_texts(content))
            item.details = details if len(details) <= self._inline_limit_bytes else None
        put_all([item, *entries_of(head)])

    def open(self, email_id: str) -> tuple[Head | None, Callable[[], Content | None]]:
        """The head as it is stored now (None: there is none), and a function that loads the content.

        Both are read at once. The function returns None if the content is missing or damaged; an object is only read
        when it is called. Raises Unreadable for a head that this version cannot read.
        """
        items = {raw["part"]["S"]: raw for raw in read_parts(email_id, PART)}
        if PART not in items:
            return None, lambda: None
        head = read_head(items[PART])
        return head, partial(self._load, email_id, items.get(content_part(head)))

    def details(self, head: Head, raw: dict[str, Any] | None) -> Content | None:
        """The content of `head` without its texts and files, from its item. None: it is missing or damaged.

        Raises ServiceUnavailable if it needs the object, and the bucket does not answer.
        """
        try:
            content = self._load(head.email_id, raw, "details")
        except (BotoCoreError, ClientError) as error:
            raise ServiceUnavailable(f"the bucket does not answer: {type(error).__name__}") from error
        return content and without_texts(content)

    def whole(self, email_id: str) -> tuple[Head, Content | None] | None:
        """The head and the content. None instead of both: there is no such email; of the second: it is lost.

        Raises Unreadable, and ServiceUnavailable if the bucket does not answer.
        """
        head, load = self.open(email_id)
        try:
            return None if head is None else (head, load())
        except (BotoCoreError, ClientError) as error:
            raise ServiceUnavailable(f"the bucket does not answer: {type(error).__name__}") from error

    def _load(self, email_id: str, raw: dict[str, Any] | None, instead: str = "packed") -> Content | None:
        """The content in an item; with `instead`, that of this attribute, if the item has it."""
        if raw is None:
            return None
        try:
            item = ContentItem.from_raw_data(raw)
            return unpack(getattr(item, instead) or self._packed(item))
        except (zlib.error, ValueError, KeyError, TypeError) as error:
            _log.error("content damaged", extra={"email_id": email_id, "reason": type(error).__name__})
            return None
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise

    def _packed(self, item: ContentItem) -> bytes:
        if item.object_key is None:
            return item.packed or b""
        answer = self._s3().get_object(Bucket=self._bucket, Key=item.object_key)
        body: bytes = answer["Body"].read()
        return body


def without_texts(content: Content) -> Content:
    """The small fields of a content: without text, HTML and attachments."""
    return replace(content, text="", html="", attachments=())


def read_parts(email_id: str, last: str) -> Iterator[dict[str, Any]]:
    """The contents of an email, its head, and what comes behind it up to `last`, by one strongly consistent query.

    They are as DynamoDB writes them.
    """
    start: Any = None
    while True:
        answer = HeadItem._get_connection().query(
            email_id,
            range_key_condition=HeadItem.part.between("content", last),
            consistent_read=True,
            exclusive_start_key=start,
        )
        yield from answer["Items"]
        start = answer.get("LastEvaluatedKey")
        if not start:  # a page has 1 MB at most, and contents of requests that lost a race may come before the head
            return


def content_part(head: Head) -> str:
    """The range key of the content that belongs to `head`."""
    return f"content#{head.accepted_by}"


def prefix_of(days: float) -> str:
    """The prefix of the objects that are deleted after `days`. A lifecycle rule of the bucket does it."""
    return f"content/{days}d/"


def _days(head: Head) -> int:
    lives_for_days = (head.ttl_s - head.created_at_ms / 1000) / 86_400
    return next((days for days in OBJECTS_LIVE_FOR_DAYS if lives_for_days <= days - 1), OBJECTS_LIVE_FOR_DAYS[-1])


def pack(content: Content) -> bytes:
    """Compress a content: first a JSON line, which says how long each attachment is, then the attachments' bytes."""
    data = asdict(replace(content, attachments=()))
    data["attachments"] = [
        {"filename": a.filename, "content_type": a.content_type, "content_id": a.content_id, "size": len(a.content)}
        for a in content.attachments
    ]
    line = json.dumps(data, ensure_ascii=False).encode()
    return zlib.compress(b"".join((line, b"\n", *(a.content for a in content.attachments))))


def unpack(packed: bytes) -> Content:
    """Restore the content from the bytes that `pack` made."""
    line, _, remaining = zlib.decompress(packed).partition(b"\n")
    data = json.loads(line)
    attachments = []
    for entry in data.pop("attachments"):
        size = entry.pop("size")
        attachments.append(Attachment(content=remaining[:size], **entry))
        remaining = remaining[size:]
    return Content(
        subject=data["subject"],
        text=data["text"],
        html=data["html"],
        reply_to=tuple(Mailbox(**mailbox) for mailbox in data["reply_to"]),
        headers=tuple((name, value) for name, value in data["headers"]),
        attachments=tuple(attachments),
        tags=tuple(data["tags"]),
        metadata=data["metadata"],
        names=data.get("names", {}),
    )
