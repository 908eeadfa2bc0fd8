"""What the contract suite must know of a provider to test it: how to play its other end.

The module `tests.providers.NAME.case` has it as CASE.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module

import httpx

from app.domain.email import Attachment, Content, Mailbox, Message
from app.domain.event import Webhook
from app.providers import registry
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
    `signed(webhook)`: what is signed, and by which signature. A webhook that keeps all of it is genuine, however else
    it was changed. Raises ValueError, KeyError or TypeError if it cannot be.
    `variables`: what an installation must be given so that it sends, and verifies `webhook`.
    `certificate`: what is fetched to verify it.
    `fresh(payload, at_s)`: like `webhook`, with a token that was never used, where tokens count once.
    """

    make: Callable[[str], AnyProvider]  # at a base URL
    missing_for_webhooks: AnyProvider  # without a key for webhooks
    missing_variable: str  # the one that it lacks
    malformed: str  # a text that cannot be what this variable holds
    secrets: tuple[str, ...]
    accepted: httpx.Response
    message_id: str
    keys: int
    webhook: Callable[[object, float, int], Webhook]
    report: Callable[[str, int, str, float], object]
    forge: Callable[[Webhook], list[Webhook]]
    read_request: Callable[[httpx.Request], Carried]
    signed: Callable[[Webhook], object]
    variables: Mapping[str, str] = field(default_factory=dict)
    certificate: bytes = b""
    fresh: Callable[[object, float], Webhook] | None = None


CASES: dict[str, Case] = {name: import_module(f"tests.providers.{name}.case").CASE for name in registry.PROVIDERS}
