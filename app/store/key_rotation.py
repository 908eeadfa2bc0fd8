"""Rotates an API key: a new one that may do the same, and an end for the old one."""

import hashlib
import secrets

from pynamodb.exceptions import PynamoDBException

from app.domain.project import is_of_test_keys
from app.errors import Contention
from app.store.api_keys import PREFIX, TEST_PREFIX, ApiKeyItem
from app.store.failures import is_condition_failed

# What is a key's own, and not of the next one.
_OWN = ("key_sha256", "created_at", "revoked_at", "expires_at", "last_used_at")


def rotate(key_id: str, overlap_ms: int, now_ms: int) -> tuple[str, int]:
    """Store a new key like the one with that id, which must be in use, and let that one end after `overlap_ms`.

    Returns the secret of the new one, and when the old one ends, which is never later than it was to end before. The
    new key is stored first, so that a crash leaves two keys that work and never none. Everything that the old one has
    is copied, whatever a version of the product knows of it. Raises Contention if the key was revoked meanwhile.
    """
    table = ApiKeyItem._get_connection()
    stored = table.get_item(key_id, consistent_read=True).get("Item", {})
    is_test = is_of_test_keys(stored.get("project", {}).get("S", ""))
    secret = (TEST_PREFIX if is_test else PREFIX) + secrets.token_urlsafe(32)
    kept = {name: value for name, value in stored.items() if name not in _OWN}
    new_id = hashlib.sha256(secret.encode()).hexdigest()
    table.put_item(
        new_id, attributes={**kept, "created_at": {"N": str(now_ms)}}, condition=ApiKeyItem.key_sha256.does_not_exist()
    )
    known = stored.get("expires_at")
    ends_ms = min(now_ms + overlap_ms, int(known["N"])) if known else now_ms + overlap_ms
    try:
        table.update_item(
            key_id,
            actions=[ApiKeyItem.expires_at.set(ends_ms)],
            condition=ApiKeyItem.key_sha256.exists() & ApiKeyItem.revoked_at.does_not_exist(),
        )
    except PynamoDBException as error:
        if not is_condition_failed(error):
            raise
        raise Contention("the key was revoked while it was rotated; the new one is in the list and works") from error
    return secret, ends_ms
