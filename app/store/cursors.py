"""Stores where a sweep stopped that did not come to the end of the emails that are due."""

from typing import Any

from pynamodb.attributes import JSONAttribute, UnicodeAttribute
from pynamodb.models import Model

Cursor = dict[str, Any]  # a key as DynamoDB writes it, after which to read on


class CursorItem(Model):
    """One item for all shards. It lives in the providers table."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    provider = UnicodeAttribute(hash_key=True, default="sweep")
    part = UnicodeAttribute(range_key=True, default="cursors")
    cursors = JSONAttribute()


class Cursors:
    """Stores the cursors of all shards. If they are lost or overwritten, a sweep starts over, which does no harm."""

    def get(self) -> dict[int, Cursor]:
        """The cursors by shard. A shard that was swept to its end has none."""
        try:
            found = CursorItem.get("sweep", "cursors").cursors
        except CursorItem.DoesNotExist:
            return {}
        return {int(shard): cursor for shard, cursor in found.items()}

    def put(self, cursors: dict[int, Cursor]) -> None:
        """Replace the stored cursors."""
        CursorItem("sweep", "cursors", cursors={str(shard): cursor for shard, cursor in cursors.items()}).save()
