"""Stores which email is the newest of those that may replace each other."""

import time
from datetime import datetime

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from app.domain.backoff import backoff_s
from app.domain.head import Head
from app.domain.lifetime import SCHEDULED_WITHIN_S
from app.errors import ServiceUnavailable, Unreadable
from app.faults import code_of
from app.store.head_items import NEW, HeadItem, as_item, as_stored
from app.store.item_values import by_model, read_item
from app.store.ttl import as_ttl

# DynamoDB refuses a transaction while another one writes the same item (API reference, "TransactWriteItems",
# TransactionConflict), and its client does not make that one again.
TRIES = 12
FIRST_WAIT_S, LONGEST_WAIT_S = 0.01, 0.2  # between two tries


class CollapseItem(Model):
    """The newest email of one collapse scope. Lives in the emails table."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    email_id = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True, default="newest")
    newest = UnicodeAttribute()
    ttl = TTLAttribute()


class Collapses:
    """Stores the newest email of each scope. The order in which the store takes the emails decides, and no clock."""

    def create(self, head: Head, now_ms: int) -> Head | None:
        """Store a new head and make it the newest email of its scope: both, or neither.

        Returns None if an email with that id exists. Raises ServiceUnavailable if the store does not take both.
        """
        item = as_item(head, now_ms)
        for number in range(1, TRIES + 1):
            try:
                with TransactWrite(connection=HeadItem._get_connection().connection) as both:
                    both.save(item, condition=NEW)
                    both.save(CollapseItem(_hash(head.collapse_scope), newest=head.email_id, ttl=_ttl(head)))
                return as_stored(head, now_ms)
            except TransactWriteError as error:
                codes = [reason and reason.code for reason in error.cancellation_reasons]
                if codes[:1] == ["ConditionalCheckFailed"]:
                    return None
                if "TransactionConflict" not in codes:
                    raise ServiceUnavailable(f"the collapse key is not taken: {code_of(error)}") from error
            time.sleep(backoff_s(number, FIRST_WAIT_S, LONGEST_WAIT_S))
        raise ServiceUnavailable(f"the collapse key is not taken: {TRIES} tries lost to other emails")

    def newest(self, scope: str) -> str | None:
        """The id of the newest email of `scope`. None: it is not known. Raises ServiceUnavailable if the
        store does not answer."""
        try:
            raw = CollapseItem._get_connection().get_item(_hash(scope), "newest", consistent_read=True).get("Item")
        except PynamoDBException as error:
            raise ServiceUnavailable(f"the collapse key cannot be read: {type(error).__name__}") from error
        if raw is None:
            return None
        try:
            return read_item(raw, by_model(CollapseItem, lambda item: str(item.newest)), "collapse key", _hash(scope))
        except Unreadable:
            return None  # an email too many does less harm than none


def _ttl(head: Head) -> datetime:
    """Until when it is known. An older email of the scope may have been scheduled for long after the newest is gone."""
    return as_ttl(head.ttl_s + SCHEDULED_WITHIN_S)


def _hash(scope: str) -> str:
    return f"collapse#{scope}"
