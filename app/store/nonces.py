"""Stores one-time tokens of webhook signatures that do not cover the body. A token counts for one body only."""

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import PutError
from pynamodb.models import Model

from app.domain.event import Nonce
from app.store.failures import is_condition_failed
from app.store.ttl import as_ttl


class NonceItem(Model):
    """A token that was seen, and the SHA-256 of the body it came with."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    token = UnicodeAttribute(hash_key=True)
    body_sha256 = UnicodeAttribute()
    ttl = TTLAttribute()


class Nonces:
    """Stores each token for `lifetime_s` seconds."""

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime_s = lifetime_s

    def admit(self, provider: str, nonce: Nonce, now_s: float) -> bool:
        """Store the token. Returns False if it came before with another body: then this body is forged."""
        item = NonceItem(
            f"{provider}#{nonce.token}", body_sha256=nonce.body_sha256, ttl=as_ttl(now_s + self._lifetime_s)
        )
        same = NonceItem.body_sha256 == nonce.body_sha256
        try:
            item.save(condition=NonceItem.token.does_not_exist() | same)
        except PutError as error:
            if is_condition_failed(error):
                return False
            raise
        return True
