"""Finds emails by recipient and by tag: an email has an item for each of them, so that this is one query."""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.models import Model
from pynamodb.pagination import ResultIterator

from app.domain.head import Head
from app.domain.listing import Position
from app.domain.tags import found_by
from app.store.item_values import as_written, read_each
from app.store.raw_items import Raw
from app.store.ttl import as_ttl

_POSITION = re.compile(r"([0-9]{13})#([^#]+)")


class EntryItem(Model):
    """An entry by which one email is found: its partition, and the email's position. It lives in the emails table.

    It is stored before its head: an email of which there is no head was never accepted. Email ids hold no `#`.
    """

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    email_id = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    ttl = TTLAttribute()


class Recipients:
    """Finds emails by recipient."""

    def emails_to(self, address: str, project: str) -> Iterator[Position]:
        """The emails of a project to `address` (lower-case), newest first."""
        found = EntryItem.query(by_recipient(project, address), scan_index_forward=False, page_size=50)
        return read_positions(found, "part")


def entries_of(head: Head) -> list[EntryItem]:
    """The entries by which the recipients and the tags of an email find it."""
    position, ttl = position_key((head.created_at_ms, head.email_id)), as_ttl(head.ttl_s)
    partitions = [by_recipient(head.project, key) for key in head.recipients]
    partitions += [by_tag(head.project, head.shard, text) for text in found_by(head.tags)]
    return [EntryItem(partition, position, ttl=ttl) for partition in partitions]


def by_recipient(project: str, address: str) -> str:
    """The partition of a project's emails to `address` (lower-case). The name of a project holds no `#`."""
    return f"recipient#{project}#{address}"


def by_tag(project: str, shard: int, text: str) -> str:
    """The partition of a shard's emails that are found by this text: every email of a project may have the same tag."""
    return f"tag#{project}#{shard}#{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def created_shard(project: str, shard: int) -> str:
    """The key of the partition that lists the emails of a project's shard. The name of a project holds no `#`."""
    return f"{project}#{shard}"


def position_key(position: Position) -> str:
    """A position as the key by which it is sorted."""
    return f"{position[0]:013d}#{position[1]}"


def read_position(key: str) -> Position:
    """The position with that key. Raises ValueError if it is none."""
    found = _POSITION.fullmatch(key)
    if found is None:
        raise ValueError("not a position")
    return int(found[1]), found[2]


def read_positions(found: ResultIterator[Any], name: str) -> Iterator[Position]:
    """The positions of what a query finds, each of them in the attribute `name`, without those that are malformed."""
    return read_each(as_written(found), lambda raw: read_position(raw[name]["S"]), "entry of a list", _without_address)


def _without_address(raw: Raw) -> str:
    """The key of an item. That of a recipient's entry is cut off before the address."""
    partition = "#".join(raw["email_id"]["S"].split("#")[:2])
    return f"{partition} {raw['part']['S'].partition('@')[0]}"
