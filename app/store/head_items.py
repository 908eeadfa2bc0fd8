"""The item of a head and its two indexes: one finds the emails that are due, the other a project's, newest first."""

import logging
from dataclasses import replace
from typing import Any

from pynamodb.attributes import BooleanAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.due import entry_ms
from app.domain.email import Mailbox, OnUncertain, Tracking
from app.domain.head import Head, Stop, status
from app.domain.lane import Lane
from app.domain.shards import due_partition
from app.errors import Unreadable
from app.store.codec import notice_from_json, notice_to_json
from app.store.compact_json import CompactJSONAttribute
from app.store.entries import created_shard, position_key, read_position
from app.store.head_indexes import CreatedIndex, DueIndex
from app.store.head_size import fitting
from app.store.history_codec import read_attempts, read_earlier, read_recipients
from app.store.item_values import optional_ms, required, time_ms
from app.store.raw_items import Raw, Stored, to_raw
from app.store.ttl import as_ttl

PART = "email"

_log = logging.getLogger(__name__)


class HeadItem(Model):
    """One head. Times are epoch milliseconds; DynamoDB deletes the item after `ttl`."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""
        stream_view_type = "NEW_AND_OLD_IMAGES"  # of the whole table: from it follows what applications are told

    email_id = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True, default=PART)
    version = NumberAttribute()
    ttl = TTLAttribute()
    status = UnicodeAttribute()
    fingerprint = UnicodeAttribute()
    sender = UnicodeAttribute()
    sender_name = UnicodeAttribute(null=True)
    subject = UnicodeAttribute()
    recipients = CompactJSONAttribute()
    attempts = CompactJSONAttribute()
    earlier = CompactJSONAttribute(null=True)
    words = CompactJSONAttribute(null=True)
    texts = CompactJSONAttribute(null=True)
    on_uncertain = UnicodeAttribute()
    providers = CompactJSONAttribute(null=True)
    through = UnicodeAttribute(null=True)
    excluded = CompactJSONAttribute(null=True)
    collapse_scope = UnicodeAttribute(null=True)
    critical = BooleanAttribute(null=True)
    override_suppression = BooleanAttribute(null=True)
    tracks_opens = BooleanAttribute(null=True)
    tracks_clicks = BooleanAttribute(null=True)
    suppressed = CompactJSONAttribute(null=True)
    accepted_by = UnicodeAttribute(null=True)
    key_hash = UnicodeAttribute(null=True)
    stopped = UnicodeAttribute(null=True)
    next_attempt = NumberAttribute()
    to_repeat = NumberAttribute(null=True)
    lease_attempt = NumberAttribute(null=True)
    lease_until = NumberAttribute(null=True)
    lease_holder = UnicodeAttribute(null=True)
    expires_at = NumberAttribute()
    retry_until = NumberAttribute()
    limited_since = NumberAttribute(null=True)
    turn = NumberAttribute(null=True)
    due_at = NumberAttribute(null=True)
    due_shard = UnicodeAttribute(null=True)
    created_shard = UnicodeAttribute()
    created_key = UnicodeAttribute()
    tags = CompactJSONAttribute(null=True)
    lane = UnicodeAttribute(null=True)
    send_at = NumberAttribute(null=True)
    begins_at = NumberAttribute(null=True)
    traceparent = UnicodeAttribute(null=True)
    webhook_url = UnicodeAttribute(null=True)
    written_at = NumberAttribute()

    due = DueIndex()
    created = CreatedIndex()


NEW = HeadItem.email_id.does_not_exist()  # the condition under which a head is created


def as_stored(head: Head, now_ms: int) -> Head:
    """The head as it is stored after a write at that time: under the next version, with its entry."""
    written_at_ms = _written_at_ms(head, now_ms)
    return replace(head, version=head.version + 1, written_at_ms=written_at_ms, due_entry_ms=entry_ms(head, now_ms))


def _written_at_ms(head: Head, now_ms: int) -> int:
    """When a write at that time was made, as the item says. Whatever the clocks do, it is later than the one before."""
    return max(now_ms, head.written_at_ms + 1)


def as_item(head: Head, now_ms: int) -> HeadItem:
    """The item of a head, with the next version."""
    return HeadItem(**_values(head, now_ms))


def as_raw(head: Head, now_ms: int) -> Raw:
    """As `as_item`, as DynamoDB writes it."""
    return to_raw(HeadItem, _values(head, now_ms))


def _values(head: Head, now_ms: int) -> dict[str, Any]:
    due_at = entry_ms(head, now_ms)
    head, history = fitting(head)
    return dict(  # noqa: C408 because the names are those of the attributes
        email_id=head.email_id,
        part=PART,
        version=head.version + 1,
        ttl=as_ttl(head.ttl_s),
        status=status(head.recipients.values()).value,
        fingerprint=head.fingerprint,
        sender=head.sender.address,
        sender_name=head.sender.name or None,
        subject=head.subject,
        recipients=history.recipients,
        attempts=history.attempts,
        earlier=history.earlier or None,
        words=history.words or None,
        texts=history.texts or None,
        on_uncertain=head.on_uncertain.value,
        providers=list(head.providers) or None,
        through=head.through or None,
        excluded=list(head.excluded) or None,
        collapse_scope=head.collapse_scope or None,
        critical=head.critical or None,
        override_suppression=head.override_suppression or None,
        tracks_opens=head.tracking.opens or None,
        tracks_clicks=head.tracking.clicks or None,
        suppressed={key: notice_to_json(notice) for key, notice in head.suppressed.items()} or None,
        accepted_by=head.accepted_by or None,
        key_hash=head.key_hash or None,
        stopped=head.stopped and head.stopped.value,
        next_attempt=head.next_attempt,
        to_repeat=head.to_repeat or None,
        lease_attempt=head.lease_attempt or None,
        lease_until=head.lease_until_ms,
        lease_holder=head.lease_holder or None,
        expires_at=head.expires_at_ms,
        retry_until=head.retry_until_ms,
        limited_since=head.limited_since_ms,
        turn=head.turn_ms,
        due_at=due_at,
        due_shard=None if due_at is None else due_partition(head.shard, head.lane),
        created_shard=created_shard(head.project, head.shard),
        created_key=position_key((head.created_at_ms, head.email_id)),
        tags=list(head.tags) or None,
        lane=None if head.lane is Lane.NORMAL else head.lane.value,
        send_at=head.send_at_ms,
        begins_at=head.begins_at_ms,
        traceparent=head.traceparent or None,
        webhook_url=head.webhook_url or None,
        written_at=_written_at_ms(head, now_ms),
    )


def read_head(raw: Raw) -> Head:
    """The head in `raw`, an item as DynamoDB returns it. Raises Unreadable, and logs the id, if it cannot be read."""
    try:
        return _to_head(_complete(raw))
    except Exception as error:  # because whatever is wrong with one item, nothing else may stop for it
        _log.error("head cannot be read", extra={"email_id": raw["email_id"]["S"], "reason": type(error).__name__})
        why = "this email was written by another version, which can read it; it is kept as it is"
        raise Unreadable(why, project=_project_of(raw)) from error


def _project_of(raw: Raw) -> str:
    partition = raw.get("created_shard", {}).get("S", "")
    return str(partition).rpartition("#")[0]


def _complete(raw: Raw) -> Stored:
    if missing := required(HeadItem).difference(raw):
        raise KeyError(*missing)
    return Stored(HeadItem, raw)


def _to_head(item: Stored) -> Head:
    recipients, words, texts = item.recipients, item.words or [], item.texts or []
    created_at_ms = time_ms(read_position(item.created_key)[0])
    project, _, shard = item.created_shard.rpartition("#")
    return Head(
        email_id=item.email_id,
        fingerprint=item.fingerprint,
        sender=Mailbox(item.sender, item.sender_name or ""),
        subject=item.subject,
        recipients=read_recipients(recipients, words, texts),
        created_at_ms=created_at_ms,
        expires_at_ms=time_ms(item.expires_at),
        retry_until_ms=time_ms(item.retry_until),
        ttl_s=int(item.ttl.timestamp()),
        project=project,
        tags=tuple(item.tags or ()),
        lane=Lane(item.lane or Lane.NORMAL),
        shard=int(shard),
        send_at_ms=optional_ms(item.send_at),
        begins_at_ms=optional_ms(item.begins_at),
        traceparent=item.traceparent or "",
        webhook_url=item.webhook_url or "",
        written_at_ms=time_ms(item.written_at),
        on_uncertain=OnUncertain(item.on_uncertain),
        providers=tuple(item.providers or ()),
        through=item.through or "",
        excluded=tuple(item.excluded or ()),
        collapse_scope=item.collapse_scope or "",
        critical=bool(item.critical),
        override_suppression=bool(item.override_suppression),
        tracking=Tracking(bool(item.tracks_opens), bool(item.tracks_clicks)),
        suppressed={key: notice_from_json(data) for key, data in (item.suppressed or {}).items()},
        accepted_by=item.accepted_by or "",
        key_hash=item.key_hash or "",
        stopped=None if item.stopped is None else Stop(item.stopped),
        turn_ms=optional_ms(item.turn),
        limited_since_ms=optional_ms(item.limited_since),
        attempts=read_attempts(item.attempts, list(recipients), created_at_ms, words, texts),
        earlier=read_earlier(item.earlier or {}, words),
        next_attempt=int(item.next_attempt),
        to_repeat=int(item.to_repeat or 0),
        lease_attempt=int(item.lease_attempt or 0),
        lease_until_ms=optional_ms(item.lease_until),
        lease_holder=item.lease_holder or "",
        due_entry_ms=optional_ms(item.due_at),
        version=int(item.version),
    )
