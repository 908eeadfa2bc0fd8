"""read: the story of one email, and the list of many."""

import base64
import binascii
import heapq
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from app.delivery.ports import EventStore, HeadStore, RecipientStore
from app.domain.address import address_key
from app.domain.event import ProviderEvent
from app.domain.head import EmailStatus, Head, status
from app.errors import Invalid, NotFound

Place = tuple[int, str]  # (created_at in ms, email id): the place of an email in the listing, newest first
_PLACE = re.compile(r"(\d{1,13})\.(\w+)")  # epoch milliseconds until the year 2286
READ_AT_MOST = 1000  # emails read for one page, however few of them match


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of one email."""

    head: Head
    events: list[ProviderEvent]


@dataclass(frozen=True, slots=True)
class Page:
    """Emails, newest first. `after` is the cursor of the next page, or None if there is none."""

    heads: list[Head]
    after: str | None


@dataclass(frozen=True)
class Read:
    """Reads emails. A story is strongly consistent; a listing lags behind as its index does."""

    heads: HeadStore
    events: EventStore
    recipients: RecipientStore
    shards: Iterable[int]

    def story(self, email_id: str) -> Story:
        """The story of an email. Raises NotFound if there is no such email."""
        head = self.heads.get(email_id)
        if head is None:
            raise NotFound("no such email")
        return Story(head, self.events.of(email_id))

    def page(self, recipient: str | None, wanted: EmailStatus | None, after: str | None, limit: int) -> Page:
        """At most `limit` emails, newest first: to `recipient` (in any spelling), with status `wanted`, behind `after`.

        A page may hold fewer, even none, and still have a next one. Raises Invalid if `after` is not a cursor.
        """
        start = None if after is None else _decode(after)
        key = address_key(recipient) if recipient else None
        places = self._all(start) if key is None else self.recipients.emails_to(key, start)
        found: list[Head] = []
        examined = 0
        while chunk := list(islice(places, min(100, limit))):
            by_id = {head.email_id: head for head in self.heads.get_many([email_id for _, email_id in chunk])}
            for place in chunk:
                head = by_id.get(place[1])
                if head and _is_at(head, place, key) and (wanted is None or status(head.recipients.values()) is wanted):
                    found.append(head)
                if len(found) == limit:
                    return Page(found, _encode(place))
            examined += len(chunk)
            if examined >= READ_AT_MOST:
                return Page(found, _encode(chunk[-1]))
        return Page(found, None)

    def _all(self, start: Place | None) -> Iterator[Place]:
        shards = (self.heads.created(shard, start and start[0]) for shard in self.shards)
        merged = heapq.merge(*shards, reverse=True)
        return (place for place in merged if start is None or place < start)


def _is_at(head: Head, place: Place, recipient: str | None) -> bool:
    """Whether this is the email of which that place tells.

    An entry by recipient is written before its head, and stays if another request made the head.
    """
    return head.created_at_ms == place[0] and (recipient is None or recipient in head.recipients)


def _encode(place: Place) -> str:
    return base64.urlsafe_b64encode(f"{place[0]}.{place[1]}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> Place:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    place = _PLACE.fullmatch(text)
    if place is None:
        raise Invalid(("after", "is not a cursor of this listing; use the `after` of the previous page"))
    return int(place[1]), place[2]
