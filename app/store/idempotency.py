"""Remembers which email each idempotency key was used for."""

from typing import NamedTuple

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError
from pynamodb.models import Model

from app.domain.key_hash import key_hash
from app.errors import ServiceUnavailable
from app.store.failures import is_condition_failed
from app.store.ttl import as_ttl

_PREFIX = "key#"


class KeyItem(Model):
    """The email of one idempotency key of one project. Lives in the emails table; email ids hold no `#`."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    email_id = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True, default="key")
    named = UnicodeAttribute()
    ttl = TTLAttribute()


class Named(NamedTuple):
    """The email that a key names, and until when it does, in epoch seconds."""

    email_id: str
    ttl_s: int


class IdempotencyKeys:
    """Stores idempotency keys as hashes."""

    def name(self, project: str, key: str, email_id: str, ttl_s: int, now_s: float) -> Named:
        """Let the key of `project` name `email_id` until `ttl_s`, unless it names an email already.

        Returns the email that it names then. Raises ServiceUnavailable if it was forgotten in this very moment.
        """
        item = KeyItem(_PREFIX + key_hash(project, key), named=email_id, ttl=as_ttl(ttl_s))
        late = KeyItem.ttl < as_ttl(now_s)  # DynamoDB deletes an expired item up to days late
        try:
            item.save(condition=KeyItem.email_id.does_not_exist() | late)
        except PutError as error:
            if not is_condition_failed(error):
                raise
            return self._stored(item.email_id)
        return Named(email_id, ttl_s)

    def keep(self, hashed: str, email_id: str, ttl_s: int) -> None:
        """Let the key of that hash name its email until `ttl_s`, if it names it still, and not for longer already."""
        item = KeyItem(_PREFIX + hashed, named=email_id, ttl=as_ttl(ttl_s))
        try:
            item.save(condition=(KeyItem.named == email_id) & (KeyItem.ttl < as_ttl(ttl_s)))
        except PutError as error:
            if not is_condition_failed(error):
                raise

    def _stored(self, hashed: str) -> Named:
        try:
            item = KeyItem.get(hashed, "key", consistent_read=True)
        except KeyItem.DoesNotExist:
            raise ServiceUnavailable("the Idempotency-Key could not be stored; send the request again") from None
        return Named(item.named, int(item.ttl.timestamp()))
