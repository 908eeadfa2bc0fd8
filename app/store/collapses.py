"""Which email is the newest of those that may replace each other."""

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError
from pynamodb.models import Model

from app.store.ttl import as_ttl


class CollapseItem(Model):
    """The newest email of one collapse key of one API key. Lives in the emails table."""

    class Meta:
        """Bound by `tables.connect`."""

        table_name = ""

    email_id = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True, default="newest")
    newest = UnicodeAttribute()
    created_at = NumberAttribute()
    ttl = TTLAttribute()


class Collapses:
    """The pointer moves forward in time only."""

    def put(self, scope: str, email_id: str, created_at_ms: int, ttl_s: int) -> str | None:
        """Make `email_id` the newest of `scope`, unless a newer one is. Returns the id of the one it replaces."""
        earlier = self.newest(scope)
        item = CollapseItem(_hash(scope), newest=email_id, created_at=created_at_ms, ttl=as_ttl(ttl_s))
        try:
            item.save(condition=CollapseItem.email_id.does_not_exist() | (CollapseItem.created_at <= created_at_ms))
        except PutError as error:
            if error.cause_response_code == "ConditionalCheckFailedException":
                return None
            raise
        return earlier if earlier != email_id else None

    def newest(self, scope: str) -> str | None:
        """The id of the newest email of `scope`."""
        try:
            return CollapseItem.get(_hash(scope), "newest", consistent_read=True).newest
        except CollapseItem.DoesNotExist:
            return None


def _hash(scope: str) -> str:
    return f"collapse#{scope}"
