"""Finds emails by recipient: there is an item for each recipient of each email, so that this is one query."""

from collections.abc import Iterator

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.head import Head
from app.store.ttl import as_ttl


class RecipientItem(Model):
    """One recipient of one email, keyed by address and time. It lives in the emails table; email ids hold no `#`."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    email_id = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    ttl = TTLAttribute()


class Recipients:
    """Finds emails by recipient."""

    def emails_to(self, address: str, before: tuple[int, str] | None) -> Iterator[tuple[int, str]]:
        """The emails to `address` (lower-case) as (created_at in ms, id), newest first, older than `before`.

        These items are stored before their head: an email of which there is no head was never accepted.
        """
        older = None if before is None else RecipientItem.part < range_key(*before)
        for item in RecipientItem.query(hash_key(address), older, scan_index_forward=False, page_size=50):
            created_at, _, email_id = item.part.partition("#")
            yield int(created_at), email_id


def recipient_items(head: Head) -> list[RecipientItem]:
    """The items by which the recipients of an email find it."""
    place, ttl = range_key(head.created_at_ms, head.email_id), as_ttl(head.ttl_s)
    return [RecipientItem(hash_key(key), place, ttl=ttl) for key in head.recipients]


def hash_key(address: str) -> str:
    """The partition of all emails to `address` (lower-case)."""
    return f"recipient#{address}"


def range_key(created_at_ms: int, email_id: str) -> str:
    """The place of an email within the partition of one of its recipients."""
    return f"{created_at_ms:013d}#{email_id}"
