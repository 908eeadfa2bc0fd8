"""Webhooks on demand: a test of an endpoint, and a replay of what the feed has."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from app.domain.change_payload import time_of
from app.domain.endpoint import Endpoint
from app.domain.freshness import Clock
from app.domain.ids import new_id
from app.domain.project import plain
from app.errors import Conflict, ServiceUnavailable
from app.notify.feed import Entry, Filter, ReadFeed
from app.notify.notification import DEFAULT_ENDPOINT, TEST_TYPE, Notification, as_json
from app.notify.ports import PublishNotifications

MOST_AT_ONCE: Final = 1000
GOES_ON_FOR_S: Final = 8.0  # a request ends within 29 seconds, and the last page has to be published, too
DISABLED: Final = Conflict("this endpoint is disabled; enable it first: PATCH it with `disabled` false")
HAS_NO_URL: Final = Conflict(
    "the endpoint `default` has no URL of its own: send an email with a `webhook_url`, or register an endpoint"
)


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many notifications were published, and the position to go on at (None: there is no more)."""

    count: int
    after: str | None


@dataclass(frozen=True, slots=True)
class Replay:
    """Publishes events of the feed again, under the same ids, so that a receiver can drop what it has already."""

    read: ReadFeed
    publish: PublishNotifications
    clock: Clock

    def __call__(
        self, endpoint: Endpoint, wanted: Filter, from_ms: int | None, until_ms: int | None, after: str | None
    ) -> Replayed:
        """Replay to `endpoint` what is wanted and was recorded at `from_ms` or later, or behind `after`.

        At most MOST_AT_ONCE, and for as long as one request may take: `after` of the answer goes on. What the endpoint
        does not want is left out. Raises Conflict if it is disabled or has no URL, ServiceUnavailable if not all was
        published, ValueError if `after` is no position of the feed.
        """
        _check_url(endpoint)
        if endpoint.disabled:
            raise DISABLED
        began_s, count, position = self.clock(), 0, after
        takes = _both(endpoint, wanted)
        while True:
            page = self.read(
                [endpoint.project],
                position,
                MOST_AT_ONCE - count,
                takes,
                from_ms=from_ms if position is None else None,
                until_ms=until_ms,
            )
            now_ms = int(self.clock() * 1000)
            _published(self.publish, [_notification(endpoint, entry, now_ms) for entry in page.entries])
            count, position = count + len(page.entries), page.after
            if page.is_last or (wanted.event_id and count):
                return Replayed(count, None)
            if count >= MOST_AT_ONCE or self.clock() - began_s >= GOES_ON_FOR_S:
                return Replayed(count, position)


@dataclass(frozen=True, slots=True)
class SendTest:
    """Sends a test to an endpoint, the way that every notification goes."""

    publish: PublishNotifications
    clock: Clock

    def __call__(self, endpoint: Endpoint) -> str:
        """The id of the test's event. Raises Conflict if the endpoint has no URL, ServiceUnavailable.

        One that is disabled is tested, too: whoever has repaired it wants to know before enabling it.
        """
        _check_url(endpoint)
        now_ms = int(self.clock() * 1000)
        event_id = new_id("evt_")
        data = {"endpoint_id": endpoint.id, "project": plain(endpoint.project)}
        body = as_json({"type": TEST_TYPE, "timestamp": time_of(now_ms), "data": data})
        notification = Notification(event_id, TEST_TYPE, endpoint.project, endpoint.id, body, now_ms)
        _published(self.publish, [notification])
        return event_id


def _check_url(endpoint: Endpoint) -> None:
    if endpoint.id == DEFAULT_ENDPOINT:
        raise HAS_NO_URL


def _both(endpoint: Endpoint, wanted: Filter) -> Callable[[Entry], bool]:
    types: Collection[str] = endpoint.types
    return lambda entry: (not types or entry["type"] in types) and wanted.takes(entry)


def _notification(endpoint: Endpoint, entry: Entry, now_ms: int) -> Notification:
    body = as_json({name: value for name, value in entry.items() if name != "id"})
    email_id = entry["data"]["email_id"]
    return Notification(
        entry["id"], entry["type"], endpoint.project, endpoint.id, body, published_ms=now_ms, email_id=email_id
    )


def _published(publish: PublishNotifications, notifications: list[Notification]) -> None:
    if refused := publish(notifications) if notifications else ():
        raise ServiceUnavailable(f"{len(refused)} of {len(notifications)} were not published: {refused[0][1]}")
