"""Builds what reads emails, and the pool by which a listing asks the store for several things at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from app.delivery.listing_ports import ListingStore, PartitionStore
from app.delivery.ports import HeadStore
from app.delivery.read import Read
from app.delivery.reading_ports import StoryStore

SIDE_BY_SIDE: Final = 10
"""Calls of the store by all listings of a process together. A thread is started when it is first needed."""


def build_read(heads: HeadStore, stories: StoryStore, listings: ListingStore, partitions: PartitionStore) -> Read:
    """What reads stories and listings from these stores."""
    return Read(heads, stories, listings, partitions, ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="listing"))
