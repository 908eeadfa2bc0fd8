"""The examples of the calls about API keys, in the OpenAPI document."""

from typing import Any

TO_CREATE: dict[str, Any] = {"name": "shop", "scopes": ["send", "read"], "domains": ["example.com"], "project": "shop"}
KEY: dict[str, Any] = {
    "id": "key_5d0c3e7a91b84f26c8a2e0d7f1356b9c4e82a7d01f93c65b8e24a0d7c19f6b38",
    "name": "example",
    "project": "default",
    "test": False,
    "lane": None,
    "rate_limit": None,
    "scopes": ["read"],
    "domains": [],
    "state": "active",
    "created_at": "2030-01-31T18:00:00.000Z",
    "last_used_at": None,
    "expires_at": None,
    "revoked_at": None,
}
_SHOWN_ONCE = "em_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
_NEW = {"id": "key_9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "secret": _SHOWN_ONCE}
CREATED_KEY: dict[str, Any] = KEY | TO_CREATE | _NEW
ROTATED_KEY: dict[str, Any] = KEY | _NEW | {"old_id": KEY["id"], "old_expires_at": "2030-02-01T18:00:00.000Z"}
KEYS: dict[str, Any] = {"keys": [KEY], "unreadable": [], "after": None}
