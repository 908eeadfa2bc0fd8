"""The head of an email that has just been requested."""

import secrets

from app.domain import ids
from app.domain.collapse import scope_of
from app.domain.email import Email, Role, fingerprint
from app.domain.head import Head, Recipient
from app.domain.lane import Lane
from app.domain.lifetime import LIFETIME_S, scheduled, with_lifetime
from app.domain.shards import shard_of
from app.domain.tags import tags_of


def new_id() -> str:
    """A new email id: 128 random bits."""
    return ids.new_id("eml_")


def new_head(
    email: Email,
    project: str,
    now_ms: int,
    email_id: str,
    *,
    retry_for_s: int,
    shards: int,
    lane: Lane = Lane.NORMAL,
) -> Head:
    """The head of an email that is accepted at `now_ms`, before it is known who can carry it and who is suppressed.

    `shards` is the number of shards that new emails are spread over, `lane` that of an email which names none.
    """
    roles = ((Role.TO, email.to), (Role.CC, email.cc), (Role.BCC, email.bcc))
    head = Head(
        email_id=email_id,
        fingerprint=fingerprint(email),
        sender=email.sender,
        subject=email.content.subject,
        recipients={m.key: Recipient(m.address, role) for role, mailboxes in roles for m in mailboxes},
        created_at_ms=now_ms,
        expires_at_ms=0,
        retry_until_ms=0,
        ttl_s=0,
        project=project,
        lane=email.lane or lane,
        tags=tags_of(email),
        shard=shard_of(email_id, shards),
        on_uncertain=email.on_uncertain,
        providers=email.providers,
        collapse_scope=scope_of(project, email),
        critical=email.critical,
        override_suppression=email.override_suppression,
        tracking=email.tracking,
        webhook_url=email.webhook_url,
        accepted_by=secrets.token_hex(8),
    )
    if email.send_at_ms is not None:
        return scheduled(head, email.send_at_ms, now_ms, email.expires_at_ms, retry_for_s)
    expires_at_ms = now_ms + LIFETIME_S * 1000 if email.expires_at_ms is None else email.expires_at_ms
    return with_lifetime(head, now_ms, expires_at_ms, retry_for_s)
