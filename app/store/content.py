"""Stores an email's content compressed and apart from the head that names it: in the table, or in S3 if large.

It is stored before the head, with the entries by which recipients and tags find the email, and under the id of the
request (`accepted_by`): a request that comes again never changes what an earlier one has stored.
"""

import logging
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import BinaryAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError, PynamoDBException
from pynamodb.models import Model

from app.domain.email import Content
from app.domain.head import Head
from app.errors import ServiceUnavailable
from app.faults import code_of
from app.settings import INLINE_BYTES
from app.store.batches import put_all
from app.store.content_packing import pack, unpack, without_texts
from app.store.entries import entries_of
from app.store.failures import is_condition_failed
from app.store.head_items import PART, HeadItem, read_head
from app.store.ttl import as_ttl

# Objects are deleted by rules of the bucket, one for each prefix (infra/template.yaml): the first of these that is at
# least a day longer than the email's own life. That has 67 days at most: 30 until send_at, 30 until expires_at, a week.
OBJECTS_LIVE_FOR_DAYS = (10, 20, 45, 75)
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
        put_all(self._items(head, content))

    def put_many(self, emails: Sequence[tuple[Head, Content]]) -> list[Exception | None]:
        """As `put`, for several emails by few calls. Returns for each what `put` would raise, or None."""
        if len(emails) == 1:
            return [self._fault(*emails[0])]
        faults: list[Exception | None] = []
        items: list[Model] = []
        for head, content in emails:
            try:
                items += self._items(head, content)
                faults.append(None)
            except Exception as error:  # noqa: BLE001 because it concerns this email and no other
                faults.append(error)
        try:
            put_all(items)
        except ServiceUnavailable as error:
            is_answered = isinstance(error.__cause__, PynamoDBException) and code_of(error.__cause__) is not None
            for at, fault in enumerate(faults):
                if fault is None:  # an item that DynamoDB refuses stops the whole call, and concerns one email
                    faults[at] = self._fault(*emails[at]) if is_answered else error
        return faults

    def _fault(self, head: Head, content: Content) -> Exception | None:
        try:
            self.put(head, content)
        except Exception as error:  # noqa: BLE001 because it concerns this email and no other
            return error
        return None

    def _items(self, head: Head, content: Content) -> list[Model]:
        """The items of one email. What is too large for them is stored in the bucket first."""
        item = ContentItem(head.email_id, content_part(head), ttl=as_ttl(head.ttl_s))
        packed = pack(content)
        if len(packed) <= self._inline_limit_bytes:
            item.packed = packed
        else:
            item.object_key = _object_key(head, head.created_at_ms)
            self._s3().put_object(Bucket=self._bucket, Key=item.object_key, Body=packed)
            details = pack(without_texts(content))
            item.details = details if len(details) <= self._inline_limit_bytes else None
        return [item, *entries_of(head)]

    def keep(self, head: Head, now_ms: int) -> None:
        """Keep what belongs to the email, until the `ttl_s` of its head, which is to be written with a later one.

        An object is written again, because the rule that deletes it counts from its last write. What is missing or
        damaged stays so. Raises ServiceUnavailable if not all of it is stored.
        """
        raw = (
            ContentItem._get_connection().get_item(head.email_id, content_part(head), consistent_read=True).get("Item")
        )
        if raw is not None:
            self._keep_content(head, ContentItem.from_raw_data(raw), now_ms)
        put_all(entries_of(head))

    def _keep_content(self, head: Head, item: ContentItem, now_ms: int) -> None:
        if item.object_key is not None:
            try:
                packed = self._packed(item)
            except ClientError as error:
                if error.response["Error"]["Code"] in GONE:
                    return
                raise
            item.object_key = _object_key(head, now_ms)
            self._s3().put_object(Bucket=self._bucket, Key=item.object_key, Body=packed)
        item.ttl = as_ttl(head.ttl_s)
        try:
            item.save(condition=ContentItem.ttl < item.ttl)
        except PutError as error:  # somebody else keeps it for longer
            if not is_condition_failed(error):
                raise

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


def _object_key(head: Head, now_ms: int) -> str:
    """The key of an object that is written now, and is to be there until the head's `ttl_s`."""
    return f"{prefix_of(_days(head.ttl_s - now_ms / 1000))}{head.email_id}/{head.accepted_by}"


def _days(lives_for_s: float) -> int:
    lives_for_days = lives_for_s / 86_400
    return next((days for days in OBJECTS_LIVE_FOR_DAYS if lives_for_days <= days - 1), OBJECTS_LIVE_FOR_DAYS[-1])
