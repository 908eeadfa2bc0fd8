"""Stores heads, each by a conditional write, and finds those that are due."""

from collections.abc import Iterator
from contextlib import suppress

from pynamodb.exceptions import PutError
from pynamodb.expressions.condition import Condition

from app.domain.due import EARLY_MS
from app.domain.head import Head
from app.domain.listing import Position
from app.errors import Unreadable
from app.store.batches import get_all
from app.store.cursors import Cursor
from app.store.entries import position_key, read_positions
from app.store.failures import is_condition_failed
from app.store.head_indexes import DUE
from app.store.head_items import NEW, PART, HeadItem, as_raw, as_stored, read_head


class Heads:
    """Stores heads. Reads are strongly consistent; writes are conditional, and return None if they fail."""

    def create(self, head: Head, now_ms: int) -> Head | None:
        """Store a new head. Returns None if an email with that id exists."""
        return self._put(head, now_ms, NEW)

    def update(self, head: Head, now_ms: int) -> Head | None:
        """Replace the head that `head` was read from. Returns None if another writer wrote since."""
        return self._put(head, now_ms, HeadItem.version == head.version)

    def get(self, email_id: str) -> Head | None:
        """The head as it is stored now, or None. Raises Unreadable for one that this version cannot read."""
        raw = HeadItem._get_connection().get_item(email_id, PART, consistent_read=True).get("Item")
        return None if raw is None else read_head(raw)

    def get_many(self, email_ids: list[str]) -> list[Head]:
        """The heads of those ids that exist, in the order of the ids, without those that cannot be read.

        Whoever reads many must not fail because of one: such a head is logged, which raises an alarm.
        """
        keys = [{"email_id": email_id, "part": PART} for email_id in dict.fromkeys(email_ids)]
        found = {}
        for raw in get_all(HeadItem, keys, is_consistent=True):
            with suppress(Unreadable):
                head = read_head(raw)
                found[head.email_id] = head
        return [found[email_id] for email_id in email_ids if email_id in found]

    def due(
        self, partition: str, now_ms: int, limit: int, after: Cursor | None = None
    ) -> tuple[list[str], Cursor | None]:
        """The ids of that partition's emails that are due, longest due first, and the cursor after which to read on.

        At most `limit` ids, behind the cursor `after`. The cursor is None if there are no more. A cursor that lies
        ahead of the clock, which was set back since, counts as none: nothing behind it is due.
        """
        return self._due(partition, HeadItem.due_at <= now_ms, limit, after if _is_behind(after, now_ms) else None)

    def waiting(
        self, partition: str, now_ms: int, limit: int, after: Cursor | None = None
    ) -> tuple[list[str], Cursor | None]:
        """As `due`, but all that become due after `now_ms`; some that are due already may be among them.

        Whoever is leased now is among them, although its entry may be too early.
        """
        return self._due(partition, HeadItem.due_at > now_ms - EARLY_MS, limit, after)

    def _due(self, partition: str, at: Condition, limit: int, after: Cursor | None) -> tuple[list[str], Cursor | None]:
        # PynamoDB would make a model of each entry, which takes as long as to read it.
        answer = HeadItem._get_connection().query(partition, at, index_name=DUE, limit=limit, exclusive_start_key=after)
        return [entry["email_id"]["S"] for entry in answer["Items"]], answer.get("LastEvaluatedKey")

    def created(self, partition: str, before_ms: int | None) -> Iterator[Position]:
        """The positions of that partition of the index, newest first, up to and including `before_ms`."""
        condition = None if before_ms is None else HeadItem.created_key < position_key((before_ms + 1, ""))
        found = HeadItem.created.query(partition, condition, scan_index_forward=False, page_size=50)
        return read_positions(found, "created_key")

    def _put(self, head: Head, now_ms: int, condition: Condition) -> Head | None:
        table, item = HeadItem._get_connection(), as_raw(head, now_ms)
        try:
            table.put_item(head.email_id, PART, attributes=item, condition=condition)
        except PutError as error:
            if is_condition_failed(error):
                return None
            raise
        return as_stored(head, now_ms)


def _is_behind(cursor: Cursor | None, now_ms: int) -> bool:
    """Whether the clock has passed the position of this cursor."""
    try:
        return cursor is not None and int(cursor["due_at"]["N"]) <= now_ms
    except (KeyError, TypeError, ValueError):  # another version wrote it
        return False
