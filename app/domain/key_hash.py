"""The hash of an idempotency key: nothing else of it is stored, because its text may hold an address."""

import hashlib


def key_hash(project: str, key: str) -> str:
    """The hash of a key of that project, as SHA-256 in hexadecimal digits."""
    return hashlib.sha256(f"{project}\n{key}".encode()).hexdigest()
