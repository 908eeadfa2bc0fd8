"""The indexes of the heads: the emails that are due, and those of a project, newest first."""

from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

DUE = "due"  # the index of the emails that are due


class DueIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call] # because PynamoDB left it untyped
    """The emails by the time at which the sweep must check them. An email with nothing left to do is not in it.

    While a worker holds an email, its entry may be earlier than the end of the lease (`entry_ms`).
    """

    class Meta:
        """The index's name and what it holds of each item: the keys only."""

        index_name = DUE
        projection = KeysOnlyProjection()

    due_shard = UnicodeAttribute(hash_key=True)
    due_at = NumberAttribute(range_key=True)


class CreatedIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call] # because PynamoDB left it untyped
    """The emails of a project by the time at which they were accepted, and by id within a millisecond."""

    class Meta:
        """The index's name and what it holds of each item: the keys only."""

        index_name = "created"
        projection = KeysOnlyProjection()

    created_shard = UnicodeAttribute(hash_key=True)
    created_key = UnicodeAttribute(range_key=True)
