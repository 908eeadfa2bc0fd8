"""What listings need from outside, as protocols. `app.wiring` passes the real parts in."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from app.domain.listing import Known, Position, Wanted


class RecipientStore(Protocol):
    """Finds emails by recipient."""

    def emails_to(self, address: str, project: str) -> Iterator[Position]:
        """The positions of the emails of a project to `address`, newest first.

        A position may be of an email that was never accepted, or may tell another time than that of the acceptance.
        """


class NewestPositions(Protocol):
    """The newest positions of a partition, newest first."""

    @property
    def positions(self) -> list[Position]:
        """The positions."""

    @property
    def is_all(self) -> bool:
        """Whether the partition has no older positions."""


class ListingStore(Protocol):
    """Reads the partitions in which emails are listed. What a partition is, is the store's own business."""

    def partitions(self, wanted: Wanted, known: Known) -> Sequence[Any]:
        """The partitions that together hold the emails that are wanted, and no email of another project."""

    def newest(self, partition: Any, from_ms: int, before: Position, limit: int) -> NewestPositions:
        """At most `limit` positions that are older than `before`, and not older than `from_ms`, by one call."""


class PartitionStore(Protocol):
    """Remembers into which shards and projects an email was ever written."""

    def note(self, project: str) -> None:
        """Let every reader know of this project and of our shards, before an email of it is stored."""

    def known(self) -> Known:
        """All shards and projects, as they were stored some seconds ago at most."""

    def read(self) -> Known:
        """All shards and projects, as they are stored now."""
