"""Ids: a prefix that says of what it is, and 128 bits in small letters and digits."""

import base64
import secrets

BYTES = 16


def new_id(prefix: str) -> str:
    """An id that nothing else has: its bits are random."""
    return id_of(prefix, secrets.token_bytes(BYTES))


def id_of(prefix: str, bits: bytes) -> str:
    """The id with these bits."""
    return prefix + base64.b32encode(bits).decode().rstrip("=").lower()
