"""Emails to try things on. Every call names people nobody else has heard of, so tests can share tables."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

from app.domain.email import Content, Email, Mailbox, Role
from app.domain.head import Head, Recipient

SENDER = Mailbox("no-reply@example.com", "Example App")


def somebody(name: str = "") -> Mailbox:
    """A mailbox of its own."""
    return Mailbox(f"{name or 'somebody'}-{uuid4().hex[:12]}@example.net", name.capitalize())


def an_email(*to: Mailbox, **fields: object) -> Email:
    """A small email to `to`, or to somebody."""
    email = Email(
        sender=SENDER,
        to=to or (somebody(),),
        content=Content(subject="Reset your password", text="Follow the link."),
    )
    return replace(email, **fields)  # type: ignore[arg-type] # because the fields are those of Email


def a_head(now_ms: int, **fields: object) -> Head:
    """A head as `accept` makes it."""
    recipient = somebody()
    people: Mapping[str, Recipient] = {recipient.key: Recipient(recipient.address, Role.TO)}
    head = Head(
        email_id=f"eml_{uuid4().hex}",
        fingerprint="f" * 64,
        sender=SENDER,
        subject="Reset your password",
        recipients=people,
        created_at_ms=now_ms,
        expires_at_ms=now_ms + 86_400_000,
        retry_until_ms=now_ms + 14_400_000,
        ttl_s=now_ms // 1000 + 8 * 86_400,
    )
    return replace(head, **fields)  # type: ignore[arg-type] # because the fields are those of Head
