"""The threads of a worker that post notifications, over real tables, and a handler that posts nothing."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from app.errors import ServiceUnavailable
from app.local import waiting_sender
from app.local.invocation import Context, LambdaEvent
from app.local.notifications import Notifications, Stored, StoredNotifications
from app.local.waiting_sender import WaitingSender
from app.notify.notification import Notification
from tests.support.clock import Clock

SHARDS = 2


class Counted(StoredNotifications):
    """Counts what is asked of it, and tells nobody of what it stores, as another process would."""

    def __init__(self) -> None:
        super().__init__(SHARDS, lambda _: None)
        self.asked: list[tuple[int, str]] = []

    def due(self, shard: int, now_ms: int, limit: int, begin: str = "0") -> list[tuple[str, Notification]]:
        self.asked.append((shard, begin))
        return super().due(shard, now_ms, limit, begin)


def one(name: str, endpoint: str = "ep_1", published_ms: int = 10**15) -> Notification:
    return Notification(name, "email.sent", "default", endpoint, "{}", published_ms, email_id=f"eml_{name}")


class Posted:
    """A handler: it keeps what it is to post, fails what is in `failing`, and waits for `go` at receiver `slow`.

    What is for receiver `ill` it gives to `put_off`.
    """

    def __init__(self, put_off: Callable[[list[Notification]], object]) -> None:
        self._put_off = put_off
        self.names: list[str] = []
        self.sizes: list[int] = []
        self.failing: set[str] = set()
        self.go, self.waits = threading.Event(), threading.Semaphore(0)

    def __call__(self, event: LambdaEvent, context: Context) -> dict[str, Any]:
        assert context.get_remaining_time_in_millis() > 15_000  # a call and what is beside it
        found = {record["messageId"]: json.loads(record["body"]) for record in event["Records"]}
        self.sizes.append(len(found))
        if any(body["endpoint_id"] == "slow" for body in found.values()):
            self.waits.release()
            assert self.go.wait(100)
        if ill := [Notification(**body) for body in found.values() if body["endpoint_id"] == "ill"]:
            self._put_off(ill)
        failed = [name for name, body in found.items() if body["event_id"] in self.failing]
        if "raise" in self.failing:
            raise ServiceUnavailable("the table does not answer")
        self.names += [body["event_id"] for name, body in found.items() if name not in failed]
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


class Parts:
    """The threads of a worker, over real tables."""

    def __init__(self) -> None:
        self.posted, self.buried, self.due = Posted(self._put_off), list[str](), list[int]()
        self.open = 0
        self._lock = threading.Lock()
        self.stored = StoredNotifications(SHARDS, self._note)
        self.it = Notifications(self.posted, self.stored, self._opened, self.buried.append)

    def _note(self, found: Stored) -> None:
        self.due.append(found.due_ms)
        self.it.note_stored(found)

    def _put_off(self, several: list[Notification]) -> None:
        assert self.stored.delay_all([(one, 60) for one in several]) == []

    def _opened(self) -> Callable[[], None]:
        with self._lock:
            self.open += 1
        return self._closed

    def _closed(self) -> None:
        with self._lock:
            self.open -= 1

    def forget(self) -> None:
        for shard in range(SHARDS):
            self.stored.remove(shard, [key for key, _ in self.stored.due(shard, waiting_sender.LATEST_MS, 1000)])

    def waiting(self) -> list[str]:
        found = [self.stored.due(shard, waiting_sender.LATEST_MS, 100) for shard in range(SHARDS)]
        return sorted(notification.event_id for several in found for _, notification in several)


@contextmanager
def sending(parts: Parts, sender: WaitingSender) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        sender.note(0)
        parts.posted.go.set()
        thread.join()


def sender_of(parts: Parts, clock: Clock) -> WaitingSender:
    return WaitingSender(parts.stored, parts.it.post_stored, range(SHARDS), clock)
