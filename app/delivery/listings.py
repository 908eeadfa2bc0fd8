"""What listings need from outside, as protocols. `app.wiring` passes the real parts in."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from app.domain.listing import Known, Place, Wanted


class RecipientStore(Protocol):
    """Finds emails by recipient."""

    def emails_to(self, address: str, project: str) -> Iterator[Place]:
        """The places of the emails of a project to `address`, newest first.

        An email that was never accepted may be among them, and one that was accepted at another time than it says.
        """


class NewestPlaces(Protocol):
    """The newest places of a partition, in their order. `is_all`: there are no older ones."""

    @property
    def places(self) -> list[Place]:
        """The places."""

    @property
    def is_all(self) -> bool:
        """Whether there are no older ones."""


class ListingStore(Protocol):
    """Reads the partitions in which emails are listed. What a partition is, is the store's own business."""

    def partitions(self, wanted: Wanted, known: Known) -> Sequence[Any]:
        """The partitions that together hold the emails that are wanted, and no email of another project."""

    def newest(self, partition: Any, from_ms: int, before: Place, limit: int) -> NewestPlaces:
        """At most `limit` places that are older than `before`, and not older than `from_ms`, by one call."""


class PartitionStore(Protocol):
    """Remembers into which shards and projects an email was ever written."""

    def note(self, project: str) -> None:
        """Let every reader know of this project and of our shards, before an email of it is stored."""

    def known(self) -> Known:
        """All of them, as they were some seconds ago at most."""

    def read(self) -> Known:
        """All of them, as they are now."""
