"""read: the story of one email, and the list of many."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, TypeVar

from app.delivery.listing_ports import ListingStore, PartitionStore
from app.delivery.ports import HeadStore
from app.delivery.reading_ports import StoryStore
from app.domain.email import Content
from app.domain.event import ProviderEvent
from app.domain.head import Head
from app.domain.listing import Position, Wanted
from app.errors import Invalid, NotFound, Unreadable

# A page asks for at most one of these after the other: who calls, which partitions there are, their newest positions,
# the heads of the first of those, and the heads of the others.
CHUNK: Final = 100  # heads read at once; so many are read first if an index cannot tell which emails are wanted
READ_AT_MOST: Final = 1000  # heads read for one page, however few of them are wanted
SPARE: Final = 20  # positions read beside those that are needed, because some may lead to no head

_POSITION = re.compile(r"(\d{1,13})\.(\w+)")  # epoch milliseconds until the year 2286

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of one email. `details` are its content without texts and files; None: the content is lost."""

    head: Head
    events: list[ProviderEvent]
    details: Content | None


@dataclass(frozen=True, slots=True)
class Page:
    """Emails, newest first. `after` is the cursor of the next page, or None if there is none."""

    heads: list[Head]
    after: str | None


@dataclass(frozen=True)
class Read:
    """Reads emails. A story is strongly consistent; a listing lags behind as its index does.

    `pool` makes those calls side by side that need not wait for each other.
    """

    heads: HeadStore
    stories: StoryStore
    listings: ListingStore
    partitions: PartitionStore
    pool: Executor

    def story(self, email_id: str, project: str | None) -> Story:
        """The story of an email of `project` (None: of any). Raises NotFound if there is no such email."""
        try:
            found = self.stories.of(email_id)
        except Unreadable as unreadable:
            if unreadable.hidden_from(project):
                raise NotFound("no such email") from None
            raise
        if found is None or project not in (None, found[0].project):
            raise NotFound("no such email")
        head, details, events = found
        return Story(head, events, details)

    def page(self, wanted: Wanted, after: str | None, limit: int) -> Page:
        """At most `limit` of the emails that are wanted, newest first, behind the cursor `after`.

        A page may hold fewer, even none, and still have a next one. A cursor names a position only: which partitions
        are read is decided by `wanted`. Raises Invalid if `after` is not a cursor.
        """
        before = (wanted.to_ms, "")
        before = before if after is None else min(before, _decode(after))
        if before <= (wanted.from_ms, ""):
            return Page([], None)
        most, first = (READ_AT_MOST, CHUNK) if wanted.has_more_than_an_index else (limit + SPARE, limit)
        positions, is_all = self._newest(wanted, before, most)
        found: list[Head] = []
        for chunk in (positions[:first], positions[first:]):
            for position, head in self._heads(chunk):
                if head is not None and wanted.includes(head, position):
                    found.append(head)
                if len(found) == limit:
                    return Page(found, None if is_all and position == positions[-1] else _encode(position))
        return Page(found, None if is_all else _encode(positions[-1]))

    def _newest(self, wanted: Wanted, before: Position, most: int) -> tuple[list[Position], bool]:
        """At most `most` positions, newest first and without a gap, and whether those are all.

        One at least, unless those are all.
        """
        partitions = self.listings.partitions(wanted, self.partitions.known())
        if not partitions:  # nothing was ever sent
            return [], True
        # Emails are spread evenly, so a part of them suffices of each partition if fewer than `most` will do.
        each = most // len(partitions) + SPARE if wanted.has_more_than_an_index else most
        newest = self._side_by_side(
            lambda partition: self.listings.newest(partition, wanted.from_ms, before, each), partitions
        )
        # Behind the last position that was read of a partition there may be others, which would be missing here.
        known_from = max((found.positions[-1] for found in newest if not found.is_all), default=(0, ""))
        positions = sorted(
            (position for found in newest for position in found.positions if position >= known_from), reverse=True
        )
        return positions[:most], len(positions) <= most and all(found.is_all for found in newest)

    def _heads(self, positions: Sequence[Position]) -> Iterator[tuple[Position, Head | None]]:
        """Each position with its head. None: it is gone, cannot be read, or was never stored."""
        ids = [email_id for _, email_id in positions]
        chunks = [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
        by_id = {head.email_id: head for heads in self._side_by_side(self.heads.get_many, chunks) for head in heads}
        return ((position, by_id.get(position[1])) for position in positions)

    def _side_by_side(self, ask: Callable[[Asked], Answered], about: Sequence[Asked]) -> list[Answered]:
        if len(about) == 1:  # a thread would cost more than it saves
            return [ask(about[0])]
        return list(self.pool.map(ask, about))


def _encode(position: Position) -> str:
    return base64.urlsafe_b64encode(f"{position[0]}.{position[1]}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> Position:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    position = _POSITION.fullmatch(text)
    if position is None:
        raise Invalid(("after", "is not a cursor of this listing; use the `after` of the previous page"))
    return int(position[1]), position[2]
