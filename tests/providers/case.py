"""What the contract suite must know of a provider to test it: how to play its other end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from app.domain.email import Attachment, Content, Mailbox, Message
from app.domain.event import Webhook
from app.providers.sdk.contract import AnyProvider

NOW_S = 1_800_000_000.0
ANNE, BO, CAT = (
    Mailbox("anne@example.com", "Anne, née Ö"),
    Mailbox("bo@example.com"),
    Mailbox("cat@example.com", 'C"at'),
)

SAMPLE = Message(
    email_id="em_0123456789abcdef",
    attempt=3,
    sender=Mailbox("no-reply@example.com", "The App"),
    to=(ANNE,),
    cc=(BO,),
    bcc=(CAT,),
    visible_to=(ANNE,),
    visible_cc=(BO,),
    content=Content(
        subject="Grüße",
        text="plain words ✓",
        html='<p>rich words ✓ <img src="cid:logo"></p>',
        reply_to=(Mailbox("help@example.com", "Help"),),
        headers=(("X-Trace", "7"),),
        attachments=(
            Attachment("bill.pdf", "application/pdf", b"%PDF-\x00\xff"),
            Attachment("logo.png", "image/png", b"\x89PNG", content_id="logo"),
        ),
        tags=("receipt",),
        metadata={"order": "42"},
    ),
)


@dataclass(frozen=True)
class Carried:
    """What a built request says, read back out of it."""

    email_id: str
    attempt: int
    recipients: frozenset[str]
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """One provider, and its other end.

    `webhook(payload, at_s, key)`: `payload` as the provider would post it, signed at `at_s` by its key number `key`.
    `report(email_id, attempt, recipient, at_s)`: the payload that says "delivered".
    `forge(webhook)`: the same webhook, spoilt in every way that the signature must notice.
    """

    make: Callable[[str], AnyProvider]  # at a base URL
    missing_for_webhooks: AnyProvider  # without a key for webhooks
    deaf_without: str  # the variable it misses
    secrets: tuple[str, ...]
    accepted: httpx.Response
    message_id: str
    keys: int
    webhook: Callable[[object, float, int], Webhook]
    report: Callable[[str, int, str, float], object]
    forge: Callable[[Webhook], list[Webhook]]
    read_request: Callable[[httpx.Request], Carried]
