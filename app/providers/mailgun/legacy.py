"""Mailgun's legacy webhooks: a form instead of JSON. They are recognised, so that Mailgun can be told to stop.

The source is documentation.mailgun.com, "Webhooks" (2024-07): the fields `timestamp`, `token` and `signature` are those
of the JSON object `signature`; a webhook is repeated for about 8 hours unless it is answered 200, or 406, which ends
it.
"""

import email
from collections.abc import Iterator, Mapping
from email.message import Message
from typing import Final
from urllib.parse import parse_qsl

from app.domain.event import Webhook

NAMES: Final = ("event", "timestamp", "token", "signature")
_MOST_FIELDS: Final = 1_000


def fields(webhook: Webhook) -> Mapping[str, str]:
    """The fields in `NAMES` of a legacy webhook; none of them if it is something else."""
    if webhook.body.lstrip()[:1] == b"{":  # JSON, whatever the texts in it look like
        return {}
    kind = webhook.headers.get("content-type", "")
    found = dict(_of_parts(kind, webhook.body) if kind.lower().startswith("multipart/") else _of_query(webhook.body))
    return {name: found[name] for name in NAMES} if found.keys() >= set(NAMES) else {}


def _of_query(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(errors="replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return []


def _of_parts(kind: str, body: bytes) -> Iterator[tuple[str, str]]:
    form = email.message_from_bytes(b"Content-Type: " + kind.encode(errors="replace") + b"\r\n\r\n" + body)
    parts = form.get_payload()
    for part in parts if isinstance(parts, list) else []:
        name = part.get_param("name", header="content-disposition") if isinstance(part, Message) else None
        content = part.get_payload(decode=True) if isinstance(part, Message) else None
        if name in NAMES and isinstance(content, bytes):
            yield str(name), content.decode(errors="replace")
