"""A project whose stream is told: what is written, what is published, and what its feed says."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

from app.domain.endpoint import Endpoint
from app.domain.event import ProviderEvent
from app.domain.head import Head, Status
from app.domain.kinds import Kind
from app.notify.notification import Notification
from app.settings import Settings
from app.store.change_feed import ChangeFeed, Entry, FeedPosition
from app.store.endpoints import Endpoints
from app.store.events import Events
from app.store.heads import Heads
from app.wiring.changes import build_publish_changes
from tests.support.clock import Clock
from tests.support.samples import a_head
from tests.support.stream import Shard, Stream

URL = "https://hooks.example.com/mail"


@dataclass
class FeedProject:
    """A stream with what is told of it, in a project of its own."""

    clock: Clock = field(default_factory=Clock)
    project: str = field(default_factory=lambda: f"p{uuid4().hex[:12]}")
    published: list[Notification] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)  # ids of endpoints whose notifications are not taken

    def __post_init__(self) -> None:
        self.stream = Stream(self.clock)
        self.publish_changes = build_publish_changes(Settings.from_env({}), self.clock, self.publish)
        self.shard = Shard(self.stream, self.publish_changes)

    def publish(self, some: Sequence[Notification]) -> list[tuple[Notification, str]]:
        self.published += [one for one in some if one.endpoint_id not in self.refused]
        return [(one, "throttled") for one in some if one.endpoint_id in self.refused]

    def accept(self, **fields: object) -> Head:
        head = Heads().create(a_head(self.clock.now_ms, project=self.project, **fields), self.clock.now_ms)
        assert head is not None
        return head

    def becomes(self, head: Head, status: Status) -> Head:
        recipients = {key: replace(one, status=status) for key, one in head.recipients.items()}
        written = Heads().update(replace(head, recipients=recipients), self.clock.now_ms)
        assert written is not None
        return written

    def opened(self, head: Head, kind: Kind = Kind.OPENED) -> None:
        (key,) = head.recipients
        event = ProviderEvent("ses", kind, head.email_id, 1, key, self.clock.now_ms, uuid4().hex)  # type: ignore[arg-type] # because it is a kind of event
        Events().put([event], {head.email_id: head}, self.clock.now_ms)

    def endpoint(self, **fields: object) -> str:
        endpoint = Endpoint(f"ep_{uuid4().hex[:26]}", self.project, URL, 0, (0,))
        stored = Endpoints(self.clock).put(replace(endpoint, **fields))  # type: ignore[arg-type] # because these are fields of Endpoint
        assert stored is not None
        return stored.id

    def entries(self) -> list[Entry]:
        self.clock.advance(60)
        feed, position, found = ChangeFeed(self.clock, 4), FeedPosition.at(self.clock.now_ms - 86_400_000), []
        while True:
            page = feed.read(self.project, position, 100)
            found += page.entries
            position = page.after
            if page.is_last:
                return found

    def types(self) -> list[str]:
        return [entry["type"] for entry in self.entries()]
