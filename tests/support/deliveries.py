"""A worker of deliveries in a test: real tables, real sockets, and clocks that the test moves."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, Final
from uuid import uuid4

from app.domain.change_types import ChangeType
from app.domain.endpoint import Endpoint
from app.domain.tried import Tried
from app.notify.deliver import Deliver
from app.notify.notification import DEFAULT_ENDPOINT, Notification
from app.outgoing.post import Poster
from app.outgoing.signing import secret_of
from app.store.delivery_log import DeliveryLog
from app.store.endpoints import Endpoints
from app.store.waiting_notifications import WaitingNotifications
from app.wiring.deliveries import sign
from tests.support.clock import Clock

MASTER: Final = "m" * 32
PLENTY_S: Final = 60.0
TIMEOUT_S: Final = 1.5  # of a call; a busy machine may take half a second for one that is well
SHARDS: Final = 4
_numbers = count()


@dataclass
class Deliveries:
    """The parts of one worker. `later` has what it let come again soon, each with the seconds until then."""

    clock: Clock = field(default_factory=Clock)
    steady: Clock = field(default_factory=Clock)
    project: str = field(default_factory=lambda: f"p{uuid4().hex[:8]}")
    later: list[tuple[Notification, int]] = field(default_factory=list)
    timeout_s: float = TIMEOUT_S

    def __post_init__(self) -> None:
        self.endpoints = Endpoints(self.clock)
        self.log = DeliveryLog(self.clock)
        self.waiting = WaitingNotifications(SHARDS, Notification.from_json)
        self.poster = Poster(is_local=True, ssl_context=ssl.create_default_context(), timeout_s=self.timeout_s)
        self.deliver = self.worker()

    def worker(self, **replaced: Any) -> Deliver:
        """A worker that knows nothing of what others have seen."""
        parts: dict[str, Any] = {
            "endpoints": self.endpoints,
            "sign": partial(sign, MASTER),
            "post": self.poster.post,
            "publish_later": self.publish_later,
            "waiting": self.waiting,
            "deliveries": self.log,
        }
        return Deliver(**{**parts, **replaced}, clock=self.clock, monotonic=self.steady)

    def publish_later(self, delayed: Sequence[tuple[Notification, int]]) -> list[tuple[int, str]]:
        """A queue that takes all."""
        self.later += delayed
        return []

    def restart(self, **replaced: Any) -> None:
        """Another worker takes the place of this one."""
        self.deliver.close()
        self.deliver = self.worker(**replaced)

    def endpoint(self, url: str, *types: ChangeType, **fields: Any) -> Endpoint:
        """A stored endpoint."""
        known = {"created_at_ms": self.clock.now_ms, "began_ms": (self.clock.now_ms,), **fields}
        stored = self.endpoints.put(Endpoint(f"ep_{uuid4().hex[:26]}", self.project, url, types=types, **known))
        assert stored is not None
        return stored

    def again(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint as it is stored now."""
        found = self.endpoints.get(self.project, endpoint.id)
        assert found is not None
        return found

    def notification(self, endpoint: Endpoint | None, **fields: Any) -> Notification:
        """One for an endpoint; None: one for the URL of an email."""
        known = {
            "event_id": f"evt_{next(_numbers):026d}",
            "type": "email.sent",
            "project": self.project,
            "endpoint_id": endpoint.id if endpoint else DEFAULT_ENDPOINT,
            "body": '{"type":"email.sent","data":{"subject":"Grüße"}}',
            "published_ms": self.clock.now_ms,
            "email_id": f"eml_{uuid4().hex[:26]}",
        }
        return Notification(**{**known, **fields})

    def post(self, endpoint: Endpoint | None, within_s: float = PLENTY_S, **fields: Any) -> bool:
        """Deliver one notification, a second later. Returns whether it is done with."""
        self.clock.advance(1)
        (is_done,) = self.deliver([self.notification(endpoint, **fields)], within_s)
        return is_done

    def tries(self, endpoint_id: str) -> list[Tried]:
        """What the log has, the newest first."""
        return self.log.read(self.project, endpoint_id, None, 1000)[0]

    def all_waiting(self) -> list[tuple[Notification, int]]:
        """What waits in the table for this project, each with the time at which it is due."""
        far_ms = self.clock.now_ms + 10**9
        found = [pair for shard in range(SHARDS) for pair in self.waiting.due(shard, far_ms, 10_000)]
        return [(one, int(key[:13])) for key, one in found if one.project == self.project]

    def take(self) -> list[Notification]:
        """Take all that comes again, from where it is kept until then."""
        taken, self.later = [one for one, _ in self.later], []
        far_ms = self.clock.now_ms + 10**9
        for shard in range(SHARDS):
            ours = [pair for pair in self.waiting.due(shard, far_ms, 10_000) if pair[1].project == self.project]
            self.waiting.remove(shard, [key for key, _ in ours])
            taken += [one for _, one in ours]
        return taken

    def secret(self, endpoint: Endpoint | None, generation: int = 1) -> str:
        """The secret of an endpoint, as its receiver has it."""
        return secret_of(MASTER, endpoint.id if endpoint else f"{self.project}:{DEFAULT_ENDPOINT}", generation)
