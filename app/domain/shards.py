"""The shards of the indexes: one partition of a DynamoDB table takes 1,000 writes a second, so an index has several."""

import zlib
from typing import Final

SHARDS: Final = 4
"""How many shards there are if the setting SHARDS says nothing else."""

MOST_SHARDS: Final = 64


def shard_of(email_id: str, shards: int = SHARDS) -> int:
    """The shard, 0 to `shards` - 1, into which a new email goes. It stays there if `shards` changes later."""
    return zlib.crc32(email_id.encode()) % shards
