"""Stores heads, each by a conditional write. One index finds the emails that are due, another lists the newest."""

import zlib
from collections.abc import Iterator
from dataclasses import replace

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from app.domain.email import Mailbox, OnUncertain, Tracking
from app.domain.head import Head, Stop, due_at_ms, status
from app.store.codec import (
    attempt_from_json,
    attempt_to_json,
    notice_from_json,
    notice_to_json,
    recipient_from_json,
    recipient_to_json,
)
from app.store.cursors import Cursor
from app.store.failures import is_condition_failed
from app.store.ttl import as_ttl

PART = "email"
SHARDS = 16  # because one hash key takes 1,000 writes a second at most


class DueIndex(GlobalSecondaryIndex["HeadItem"]):  # type: ignore[no-untyped-call] # because PynamoDB left it untyped
    """The emails by the time at which the sweep must check them. An email with nothing left to do is not in it."""

    class Meta:
        """The index's name and what it holds of each item: the keys only."""

        index_name = "due"
        projection = KeysOnlyProjection()

    due_shard = UnicodeAttribute(hash_key=True)
    due_at = NumberAttribute(range_key=True)


class CreatedIndex(GlobalSecondaryIndex["HeadItem"]):  # type: ignore[no-untyped-call] # because PynamoDB left it untyped
    """Every email by the time it was accepted, for listing."""

    class Meta:
        """The index's name and what it holds of each item: the keys only."""

        index_name = "created"
        projection = KeysOnlyProjection()

    created_shard = UnicodeAttribute(hash_key=True)
    created_at = NumberAttribute(range_key=True)


class HeadItem(Model):
    """One head. Times are epoch milliseconds; DynamoDB deletes the item after `ttl`."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    email_id = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True, default=PART)
    version = NumberAttribute()
    ttl = TTLAttribute()
    status = UnicodeAttribute()
    fingerprint = UnicodeAttribute()
    sender = UnicodeAttribute()
    sender_name = UnicodeAttribute(null=True)
    subject = UnicodeAttribute()
    recipients = JSONAttribute()
    attempts = JSONAttribute()
    on_uncertain = UnicodeAttribute()
    providers = JSONAttribute(null=True)
    excluded = JSONAttribute(null=True)
    collapse_scope = UnicodeAttribute(null=True)
    critical = BooleanAttribute(null=True)
    override_suppression = BooleanAttribute(null=True)
    tracks_opens = BooleanAttribute(null=True)
    tracks_clicks = BooleanAttribute(null=True)
    suppressed = JSONAttribute(null=True)
    accepted_by = UnicodeAttribute(null=True)
    stopped = UnicodeAttribute(null=True)
    next_attempt = NumberAttribute()
    to_repeat = NumberAttribute(null=True)
    lease_attempt = NumberAttribute(null=True)
    lease_until = NumberAttribute(null=True)
    lease_holder = UnicodeAttribute(null=True)
    created_at = NumberAttribute()
    expires_at = NumberAttribute()
    retry_until = NumberAttribute()
    limited_since = NumberAttribute(null=True)
    turn = NumberAttribute(null=True)
    due_at = NumberAttribute(null=True)
    due_shard = UnicodeAttribute(null=True)
    created_shard = UnicodeAttribute()

    due = DueIndex()
    created = CreatedIndex()


NEW = HeadItem.email_id.does_not_exist()  # the condition under which a head is created


class Heads:
    """Stores heads. Reads are strongly consistent; writes are conditional, and return None if they fail."""

    def create(self, head: Head, now_ms: int) -> Head | None:
        """Store a new head. Returns None if an email with that id exists."""
        return self._put(head, now_ms, NEW)

    def update(self, head: Head, now_ms: int) -> Head | None:
        """Replace the head that `head` was read from. Returns None if another writer wrote since."""
        return self._put(head, now_ms, HeadItem.version == head.version)

    def get(self, email_id: str) -> Head | None:
        """The head as it is stored now, or None."""
        try:
            return _to_head(HeadItem.get(email_id, PART, consistent_read=True))
        except HeadItem.DoesNotExist:
            return None

    def get_many(self, email_ids: list[str]) -> list[Head]:
        """The heads of those ids that exist, in the order of the ids, of which there are 100 at most."""
        keys = [(email_id, PART) for email_id in email_ids]
        found = {item.email_id: _to_head(item) for item in HeadItem.batch_get(keys, consistent_read=True)}
        return [found[email_id] for email_id in email_ids if email_id in found]

    def due(self, shard: int, now_ms: int, limit: int, after: Cursor | None = None) -> tuple[list[str], Cursor | None]:
        """The ids of that shard's emails that are due, longest due first, and the cursor after which to read on.

        At most `limit` ids, behind the cursor `after`. The cursor is None if there are no more.
        """
        return self._due(shard, HeadItem.due_at <= now_ms, limit, after)

    def waiting(
        self, shard: int, now_ms: int, limit: int, after: Cursor | None = None
    ) -> tuple[list[str], Cursor | None]:
        """As `due`, but the emails that become due after `now_ms`."""
        return self._due(shard, HeadItem.due_at > now_ms, limit, after)

    def _due(self, shard: int, at: Condition, limit: int, after: Cursor | None) -> tuple[list[str], Cursor | None]:
        found = HeadItem.due.query(str(shard), at, limit=limit, last_evaluated_key=after)
        ids = [item.email_id for item in found]
        return ids, found.last_evaluated_key

    def created(self, shard: int, before_ms: int | None) -> Iterator[tuple[int, str]]:
        """That shard's emails as (created_at in ms, id), newest first, up to and including `before_ms`."""
        condition = None if before_ms is None else HeadItem.created_at <= before_ms
        for item in HeadItem.created.query(str(shard), condition, scan_index_forward=False, page_size=50):
            yield int(item.created_at), item.email_id

    def _put(self, head: Head, now_ms: int, condition: Condition) -> Head | None:
        item = as_item(head, now_ms)
        try:
            item.save(condition=condition)
        except PutError as error:
            if is_condition_failed(error):
                return None
            raise
        return as_stored(head, item)


def shard_of(email_id: str) -> int:
    """The shard of the indexes that holds this email."""
    return zlib.crc32(email_id.encode()) % SHARDS


def as_stored(head: Head, item: HeadItem) -> Head:
    """The head with the version under which `item`, which was made of it, is stored."""
    return replace(head, version=int(item.version))


def as_item(head: Head, now_ms: int) -> HeadItem:
    """The item of a head, with the next version."""
    shard = str(shard_of(head.email_id))
    due_at = due_at_ms(head, now_ms)
    return HeadItem(
        email_id=head.email_id,
        part=PART,
        version=head.version + 1,
        ttl=as_ttl(head.ttl_s),
        status=status(head.recipients.values()).value,
        fingerprint=head.fingerprint,
        sender=head.sender.address,
        sender_name=head.sender.name or None,
        subject=head.subject,
        recipients={key: recipient_to_json(recipient) for key, recipient in head.recipients.items()},
        attempts=[attempt_to_json(attempt) for attempt in head.attempts],
        on_uncertain=head.on_uncertain.value,
        providers=list(head.providers) or None,
        excluded=list(head.excluded) or None,
        collapse_scope=head.collapse_scope or None,
        critical=head.critical or None,
        override_suppression=head.override_suppression or None,
        tracks_opens=head.tracking.opens or None,
        tracks_clicks=head.tracking.clicks or None,
        suppressed={key: notice_to_json(notice) for key, notice in head.suppressed.items()} or None,
        accepted_by=head.accepted_by or None,
        stopped=head.stopped and head.stopped.value,
        next_attempt=head.next_attempt,
        to_repeat=head.to_repeat or None,
        lease_attempt=head.lease_attempt or None,
        lease_until=head.lease_until_ms,
        lease_holder=head.lease_holder or None,
        created_at=head.created_at_ms,
        expires_at=head.expires_at_ms,
        retry_until=head.retry_until_ms,
        limited_since=head.limited_since_ms,
        turn=head.turn_ms,
        due_at=due_at,
        due_shard=None if due_at is None else shard,
        created_shard=shard,
    )


def _to_head(item: HeadItem) -> Head:
    return Head(
        email_id=item.email_id,
        fingerprint=item.fingerprint,
        sender=Mailbox(item.sender, item.sender_name or ""),
        subject=item.subject,
        recipients={key: recipient_from_json(data) for key, data in item.recipients.items()},
        created_at_ms=int(item.created_at),
        expires_at_ms=int(item.expires_at),
        retry_until_ms=int(item.retry_until),
        ttl_s=int(item.ttl.timestamp()),
        on_uncertain=OnUncertain(item.on_uncertain),
        providers=tuple(item.providers or ()),
        excluded=tuple(item.excluded or ()),
        collapse_scope=item.collapse_scope or "",
        critical=bool(item.critical),
        override_suppression=bool(item.override_suppression),
        tracking=Tracking(bool(item.tracks_opens), bool(item.tracks_clicks)),
        suppressed={key: notice_from_json(data) for key, data in (item.suppressed or {}).items()},
        accepted_by=item.accepted_by or "",
        stopped=None if item.stopped is None else Stop(item.stopped),
        turn_ms=None if item.turn is None else int(item.turn),
        limited_since_ms=None if item.limited_since is None else int(item.limited_since),
        attempts=tuple(attempt_from_json(data) for data in item.attempts),
        next_attempt=int(item.next_attempt),
        to_repeat=int(item.to_repeat or 0),
        lease_attempt=int(item.lease_attempt or 0),
        lease_until_ms=None if item.lease_until is None else int(item.lease_until),
        lease_holder=item.lease_holder or "",
        version=int(item.version),
    )
