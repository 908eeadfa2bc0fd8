"""Stores where a sweep stopped that did not come to the end of the emails that are due."""

from typing import Any

from pynamodb.attributes import JSONAttribute, UnicodeAttribute
from pynamodb.models import Model

Cursor = dict[str, Any]  # a key as DynamoDB writes it, after which to read on


class CursorItem(Model):
    """One item for all partitions. It lives in the providers table."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    provider = UnicodeAttribute(hash_key=True, default="sweep")
    part = UnicodeAttribute(range_key=True, default="cursors")
    cursors = JSONAttribute()


class Cursors:
    """Stores the cursors of all partitions. If they are lost, a sweep starts over, which does no harm."""

    def get(self) -> dict[str, Cursor]:
        """The cursors by partition. One that was swept to its end has none."""
        try:
            return dict(CursorItem.get("sweep", "cursors").cursors)
        except CursorItem.DoesNotExist:
            return {}

    def put(self, cursors: dict[str, Cursor]) -> None:
        """Replace the stored cursors."""
        CursorItem("sweep", "cursors", cursors=cursors).save()
