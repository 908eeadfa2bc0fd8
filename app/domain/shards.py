"""The shards of the indexes: one partition of a DynamoDB table takes 1,000 writes a second, so an index has several."""

import zlib
from typing import Final

SHARDS: Final = 4
"""How many there are if nobody set another number."""

MOST_SHARDS: Final = 64


def shard_of(email_id: str, shards: int = SHARDS) -> int:
    """The shard, of so many, into which a new email goes. It stays there, whatever the number becomes."""
    return zlib.crc32(email_id.encode()) % shards
