"""Stores an email's content compressed and apart from the head that names it: in the table, or in S3 if large."""

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Protocol

from pynamodb.attributes import BinaryAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError
from pynamodb.models import Model

from app.domain.email import Attachment, Content, Mailbox
from app.store.failures import is_condition_failed
from app.store.ttl import as_ttl

# DynamoDB takes items of 400 KB at most. Beyond this limit, S3 is also cheaper to write.
INLINE_LIMIT_BYTES = 300_000


class ContentItem(Model):
    """The content of one fingerprint: the packed bytes, or the key of the S3 object that holds them."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    email_id = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    ttl = TTLAttribute()
    packed = BinaryAttribute(null=True, legacy_encoding=False)
    object_key = UnicodeAttribute(null=True)


class Bucket(Protocol):
    """The methods of botocore's S3 client that are used here."""

    def put_object(self, **arguments: Any) -> Any:
        """Store an object."""

    def get_object(self, **arguments: Any) -> Any:
        """Read an object."""


class Contents:
    """Stores contents. `s3` gives a botocore client; it is called only when a large content is written or read."""

    def __init__(self, s3: Callable[[], Bucket], bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def put(self, email_id: str, fingerprint: str, content: Content, ttl_s: int) -> None:
        """Store a content, unless one is stored under that id and fingerprint already.

        Requests of one fingerprint may differ in the order of what has none. The first content stays: a call that is
        repeated under a provider's idempotency key must be made of the same bytes.
        """
        item = ContentItem(email_id, f"content#{fingerprint}", ttl=as_ttl(ttl_s))
        packed = pack(content)
        if len(packed) <= INLINE_LIMIT_BYTES:
            item.packed = packed
        else:
            item.object_key = f"content/{email_id}/{hashlib.sha256(packed).hexdigest()}"
            self._s3().put_object(Bucket=self._bucket, Key=item.object_key, Body=packed)
        try:
            item.save(condition=ContentItem.email_id.does_not_exist())
        except PutError as error:
            if not is_condition_failed(error):
                raise

    def get(self, email_id: str, fingerprint: str) -> Content:
        """The content that was stored. It is kept as long as the head that names it."""
        item = ContentItem.get(email_id, f"content#{fingerprint}", consistent_read=True)
        if item.packed is not None:
            return unpack(item.packed)
        answer = self._s3().get_object(Bucket=self._bucket, Key=item.object_key)
        return unpack(answer["Body"].read())


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
    )
