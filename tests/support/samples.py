"""Sample emails. Every call makes new addresses, so that tests can share tables."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

from app.domain.email import Content, Email, Mailbox, Role
from app.domain.head import Head, Recipient
from app.domain.shards import shard_of
from app.store.batches import put_all
from app.store.entries import entries_of

SENDER = Mailbox("no-reply@example.com", "Example App")


def somebody(name: str = "") -> Mailbox:
    """A mailbox with a new address."""
    return Mailbox(f"{name or 'somebody'}-{uuid4().hex[:12]}@example.net", name.capitalize())


def an_email(*to: Mailbox, **fields: object) -> Email:
    """A small email to `to`, or else to a new address."""
    email = Email(
        sender=SENDER,
        to=to or (somebody(),),
        content=Content(subject="Reset your password", text="Follow the link."),
    )
    return replace(email, **fields)  # type: ignore[arg-type] # because the fields are those of Email


def a_head(now_ms: int, **fields: object) -> Head:
    """A head as `accept` makes it."""
    recipient = somebody()
    recipients: Mapping[str, Recipient] = {recipient.key: Recipient(recipient.address, Role.TO)}
    email_id = str(fields.get("email_id", f"eml_{uuid4().hex}"))
    head = Head(
        email_id=email_id,
        fingerprint="f" * 64,
        sender=SENDER,
        subject="Reset your password",
        recipients=recipients,
        created_at_ms=now_ms,
        expires_at_ms=now_ms + 86_400_000,
        retry_until_ms=now_ms + 14_400_000,
        ttl_s=now_ms // 1000 + 8 * 86_400,
        shard=shard_of(email_id),
    )
    return replace(head, **fields)  # type: ignore[arg-type] # because the fields are those of Head


def put_entry(key: str, email_id: str, created_at_ms: int) -> None:
    """Store an entry by which that recipient finds an email, as a request does that dies before it stores the head."""
    recipients = {key: Recipient(key, Role.TO)}
    put_all(entries_of(a_head(created_at_ms, email_id=email_id, project="team", recipients=recipients)))
