"""Stores which email is the newest of those that may replace each other."""

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError
from pynamodb.models import Model

from app.store.ttl import as_ttl


class CollapseItem(Model):
    """The newest email of one collapse key of one API key. Lives in the emails table."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    email_id = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True, default="newest")
    newest = UnicodeAttribute()
    created_at = NumberAttribute()
    ttl = TTLAttribute()


class Collapses:
    """Stores the newest email of each scope. A write never replaces a newer email by an older one."""

    def put(self, scope: str, email_id: str, created_at_ms: int, ttl_s: int) -> str | None:
        """Make `email_id` the newest email of `scope`, unless a newer one is. Returns the id of the one it replaces.

        Of two emails that were accepted in the same millisecond, the one with the greater id counts as newer.
        """
        earlier = self.newest(scope)
        item = CollapseItem(_hash(scope), newest=email_id, created_at=created_at_ms, ttl=as_ttl(ttl_s))
        is_older = CollapseItem.created_at < created_at_ms
        is_lesser = (CollapseItem.created_at == created_at_ms) & (CollapseItem.newest <= email_id)
        try:
            item.save(condition=CollapseItem.email_id.does_not_exist() | is_older | is_lesser)
        except PutError as error:
            if error.cause_response_code == "ConditionalCheckFailedException":
                return None
            raise
        return earlier[1] if earlier and earlier[1] != email_id else None

    def newest(self, scope: str) -> tuple[int, str] | None:
        """The newest email of `scope` as (created_at in ms, id)."""
        try:
            item = CollapseItem.get(_hash(scope), "newest", consistent_read=True)
        except CollapseItem.DoesNotExist:
            return None
        return int(item.created_at), item.newest


def _hash(scope: str) -> str:
    return f"collapse#{scope}"
