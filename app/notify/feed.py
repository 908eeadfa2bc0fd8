"""Reading of the feed: what became of the emails of some projects, as a caller may see and wants it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.domain.project import is_of_test_keys, plain
from app.domain.tags import found_by

Entry = Mapping[str, Any]
"""A change as the feed has it: `id`, and the `type`, `timestamp` and `data` of a webhook."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some entries, and the position to go on at, as text. `is_last`: there is nothing more to read yet."""

    entries: Sequence[Entry]
    after: str
    is_last: bool


class ReadFeed(Protocol):
    """Reads a page of the feed (`app.store.change_feed.ChangeFeed`)."""

    def __call__(
        self,
        projects: Sequence[str],
        after: str | None,
        limit: int,
        wanted: Callable[[Entry], bool] | None = None,
        *,
        from_ms: int | None = None,
        until_ms: int | None = None,
    ) -> FeedPage:
        """At most `limit` entries that are `wanted` (None: all), behind `after`, or recorded at `from_ms` or later.

        With neither, it begins with the oldest that is kept. What was recorded at `until_ms` or later is left out.
        Raises ValueError if `after` is no position of the feed.
        """


@dataclass(frozen=True, slots=True)
class Seen:
    """The projects of which something is asked: one, by the name under which it is kept, or every one (None).

    `with_tests`: what the test keys of that project made is wanted, too.
    """

    project: str | None
    with_tests: bool = False

    def of(self, known: Collection[str]) -> list[str]:
        """Those of the known projects that are asked for."""
        if self.project is not None and not self.with_tests:
            return [self.project]  # whether it is known yet or not
        return sorted(one for one in known if self.has(one))

    def has(self, kept: str) -> bool:
        """Whether what is kept under this project is asked for."""
        return self.project in (None, kept) or (
            self.with_tests and is_of_test_keys(kept) and self.project == plain(kept)
        )


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted: those to which all of it applies. What is empty applies to every one."""

    types: Collection[str] = ()
    tag: str = ""
    email_id: str = ""
    event_id: str = ""

    def __bool__(self) -> bool:
        return bool(self.types or self.tag or self.email_id or self.event_id)

    def takes(self, entry: Entry) -> bool:
        """Whether an entry is wanted. A tag is given whole, or as what stands before its `=`."""
        data = entry.get("data") or {}
        return (
            (not self.types or entry.get("type") in self.types)
            and self.email_id in ("", data.get("email_id"))
            and self.event_id in ("", entry.get("id"))
            and (not self.tag or self.tag in found_by(data.get("tags") or ()))
        )


@dataclass(frozen=True, slots=True)
class ReadChanges:
    """Reads the feed for a caller. `projects` are those to which an email ever belonged."""

    read: ReadFeed
    projects: Callable[[], Collection[str]]

    def __call__(
        self, seen: Seen, wanted: Filter, after: str | None, limit: int, from_ms: int | None = None
    ) -> FeedPage:
        """A page of what became of the emails that the caller sees, the earliest recorded first.

        It may be empty although there is more. Raises ValueError if `after` is no position of the feed.
        """
        projects = seen.of(self.projects())
        return self.read(projects, after, limit, wanted.takes if wanted else None, from_ms=from_ms)
