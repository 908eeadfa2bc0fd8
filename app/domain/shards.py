"""The shards of the indexes: one partition of a DynamoDB table takes 1,000 writes a second, so an index has several."""

import zlib
from typing import Final

from app.domain.lane import Lane

SHARDS: Final = 4
"""How many shards there are if the setting SHARDS says nothing else."""

MOST_SHARDS: Final = 64


def shard_of(email_id: str, shards: int = SHARDS) -> int:
    """The shard, 0 to `shards` - 1, into which a new email goes. It stays there if `shards` changes later."""
    return zlib.crc32(email_id.encode()) % shards


def due_partition(shard: int, lane: Lane) -> str:
    """The partition of the index of due emails that holds a lane's of a shard: the urgent ones are swept first."""
    return str(shard) if lane is Lane.NORMAL else f"{shard}#{lane}"
