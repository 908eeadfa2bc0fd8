"""Where a sweep stopped that did not come to the end of what is due."""

from typing import Any

from pynamodb.attributes import JSONAttribute, UnicodeAttribute
from pynamodb.models import Model

Cursor = dict[str, Any]  # DynamoDB's own: the key after which to read on


class CursorItem(Model):
    """One item for all shards. Lives in the providers table."""

    class Meta:
        """Bound by `tables.connect`."""

        table_name = ""

    provider = UnicodeAttribute(hash_key=True, default="sweep")
    part = UnicodeAttribute(range_key=True, default="cursors")
    cursors = JSONAttribute()


class Cursors:
    """Lost or overwritten, it costs one repetition: a sweep that starts over does no harm."""

    def get(self) -> dict[int, Cursor]:
        """By shard; a shard that was swept to its end is not in it."""
        try:
            found = CursorItem.get("sweep", "cursors").cursors
        except CursorItem.DoesNotExist:
            return {}
        return {int(shard): cursor for shard, cursor in found.items()}

    def put(self, cursors: dict[int, Cursor]) -> None:
        """Remember where each shard is to be read on."""
        CursorItem("sweep", "cursors", cursors={str(shard): cursor for shard, cursor in cursors.items()}).save()
