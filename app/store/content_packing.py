"""Packs a content into bytes, and restores it."""

import json
import zlib
from dataclasses import asdict, replace

from app.domain.email import Attachment, Content, Mailbox


def without_texts(content: Content) -> Content:
    """The small fields of a content: without text, HTML and attachments."""
    return replace(content, text="", html="", attachments=())


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
