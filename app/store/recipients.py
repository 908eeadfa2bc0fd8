"""Finds emails by recipient: there is an item for each recipient of each email, so that this is one query."""

from collections.abc import Iterable, Iterator

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import PynamoDBException
from pynamodb.models import Model

from app.errors import ServiceUnavailable
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
    """Stores recipients. To store one again changes nothing."""

    def put(self, addresses: Iterable[str], email_id: str, created_at_ms: int, ttl_s: int) -> None:
        """Make the email findable by each of `addresses` (lower-case). Raises ServiceUnavailable if DynamoDB fails."""
        try:
            with RecipientItem.batch_write() as batch:
                for address in addresses:
                    batch.save(RecipientItem(hash_key(address), range_key(created_at_ms, email_id), ttl=as_ttl(ttl_s)))
        except PynamoDBException as error:
            raise ServiceUnavailable(f"the index of recipients cannot be written: {type(error).__name__}") from error

    def emails_to(self, address: str, before: tuple[int, str] | None) -> Iterator[tuple[int, str]]:
        """The emails to `address` (lower-case) as (created_at in ms, id), newest first, older than `before`."""
        older = None if before is None else RecipientItem.part < range_key(*before)
        for item in RecipientItem.query(hash_key(address), older, scan_index_forward=False, page_size=50):
            created_at, _, email_id = item.part.partition("#")
            yield int(created_at), email_id


def hash_key(address: str) -> str:
    """The partition of all emails to `address` (lower-case)."""
    return f"recipient#{address}"


def range_key(created_at_ms: int, email_id: str) -> str:
    """The place of an email within the partition of one of its recipients."""
    return f"{created_at_ms:013d}#{email_id}"
