"""How notifications are posted on this machine: in threads beside those of the attempts, and not through SNS and SQS.

What is in memory only is in the stream of emails, too, or stored as waiting, until its receiver has got it or its next
try is stored.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from app.delivery.ports import Clock
from app.faults import log_fault
from app.local.invocation import Context, LambdaEvent, sqs_event
from app.local.notification_backlog import Batch, NotificationBacklog, Waiting
from app.local.provision import NOTIFICATIONS_QUEUE
from app.notify.gate import receiver_of
from app.notify.notification import Notification
from app.store.batches import put_all
from app.store.waiting_notifications import WaitingItem, WaitingNotifications

CONCURRENCY: Final = 8
TIMEOUT_S: Final = 60.0
MOST_IN_MEMORY: Final = 2000
AGAIN_AFTER_S: Final = 60  # what failed on our side
GIVEN_UP_AFTER_S: Final = 11 * 86_400  # one that is slow is called for ten days: twelve hours may pass before each try

Handler = Callable[[LambdaEvent, Context], Any]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """A notification that waits, where it is stored, and when it is due in epoch ms."""

    shard: int
    key: str
    due_ms: int
    notification: Notification


class StoredNotifications(WaitingNotifications[Notification]):
    """Stores notifications that wait, and tells of each of them."""

    def __init__(
        self,
        shards: int,
        note: Callable[[Stored], object],
        store: Callable[[Sequence[WaitingItem]], None] = put_all,
    ) -> None:
        super().__init__(shards, Notification.from_json, store)
        self._note = note

    def put_all(self, due: Sequence[tuple[Notification, int]]) -> None:
        """As `WaitingNotifications.put_all`."""
        super().put_all(due)
        for one, due_ms in due:
            self._note(Stored(*self.key_of(one, due_ms), due_ms, one))

    def delay_all(self, delayed: Sequence[tuple[Notification, int]]) -> list[tuple[int, str]]:
        """Keep notifications, each for so many seconds. Returns the indexes of those that are not kept, and why."""
        now_s = time.time()
        try:
            self.put_all([(one, int((now_s + delay_s) * 1000)) for one, delay_s in delayed])
        except Exception as error:  # noqa: BLE001 because whatever it was, nothing is known to be kept
            return [(index, f"it cannot be stored: {type(error).__name__}") for index in range(len(delayed))]
        return []

    def publish(self, notifications: Sequence[Notification]) -> list[tuple[Notification, str]]:
        """Keep notifications that are to be posted at once. Returns those that were not kept, each with the reason."""
        return [(notifications[index], why) for index, why in self.delay_all([(one, 0) for one in notifications])]


class Notifications:
    """The threads that post, and what they are given."""

    def __init__(
        self,
        handler: Handler,
        stored: StoredNotifications,
        opened: Callable[[], Callable[[], None]],
        bury: Callable[[str], None],
        clock: Clock = time.time,
    ) -> None:
        """`handler` takes an event of SQS, and names in `batchItemFailures` what it has not done with.

        `opened` says that a notification is in memory, and returns what is called once it need not be. `bury` keeps the
        text of one that failed for good.
        """
        self._handler, self._stored, self._opened, self._bury, self._clock = handler, stored, opened, bury, clock
        self._backlog = NotificationBacklog()
        self._ends = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"notifications-{number}") for number in range(CONCURRENCY)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Let nothing more be posted. Returns when every call that has begun has ended."""
        self._ends.set()
        self._backlog.close()
        for thread in self._threads:
            thread.join()

    def publish(self, notifications: Sequence[Notification]) -> list[tuple[Notification, str]]:
        """Let these be posted. They must be told again if this process ends before. Returns those that were refused."""
        if self._backlog.count() >= MOST_IN_MEMORY:
            return self._stored.publish(notifications)
        taken = [self._backlog.put(Waiting(one, partial(self._settle, one, self._opened()))) for one in notifications]
        return [(one, "the worker ends") for one, is_taken in zip(notifications, taken, strict=True) if not is_taken]

    def post_stored(self, one: Notification, settled: Callable[[bool], None]) -> bool:
        """Let one that is stored be posted, and tell `settled` whether it need not be stored any more.

        Returns False, and tells nothing, if the worker ends. What is not posted by then is not told either.
        """
        return self._backlog.put(Waiting(one, lambda is_done: settled(is_done or self._is_given_up(one))))

    def note_stored(self, stored: Stored) -> None:
        """A notification was stored. One that is not due yet was put off by its receiver."""
        if stored.due_ms > self._clock() * 1000:
            self._backlog.put_off(receiver_of(stored.notification))

    def _run(self) -> None:
        while (batch := self._backlog.take()) is not None:
            try:
                self._post(batch)
            except Exception as error:  # noqa: BLE001 because the thread would end
                log_fault(_log, "notifications could not be settled", error)
            finally:
                self._backlog.end(batch)

    def _post(self, batch: Batch) -> None:
        messages = {str(number): one for number, one in enumerate(batch.some)}
        event = {"Records": [_record(name, one.notification) for name, one in messages.items()]}
        try:
            answer = self._handler(event, Context("deliveries", TIMEOUT_S)) or {}
            failed = {one["itemIdentifier"] for one in answer.get("batchItemFailures", [])}
        except Exception as error:  # noqa: BLE001 because SQS would deliver them again
            log_fault(_log, "notifications were not posted", error)
            failed = set(messages)
        for name, one in messages.items():
            one.settle(name not in failed)

    def _settle(self, one: Notification, closed: Callable[[], None], is_done: bool) -> None:
        """See to it that one that is not done with is stored. While it cannot be, it is not closed."""
        if not is_done and not self._is_given_up(one):
            while why := self._store(one):
                _log.warning("a notification cannot be stored, and is kept in memory: %s", why)
                if self._ends.wait(1.0):
                    return  # its change is told again
        closed()

    def _store(self, one: Notification) -> str:
        """Store a notification for its next try. Returns why that failed, "" if it did not."""
        return "".join(why for _, why in self._stored.delay_all([(one, AGAIN_AFTER_S)]))

    def _is_given_up(self, one: Notification) -> bool:
        """Whether a notification has failed for so long that it is a dead letter now."""
        if self._clock() * 1000 - one.published_ms < GIVEN_UP_AFTER_S * 1000:
            return False
        self._bury(one.to_json())
        return True


def _record(name: str, notification: Notification) -> dict[str, Any]:
    """The record that SQS would make of the notification."""
    body = notification.to_json()
    message = {
        "MessageId": name,
        "ReceiptHandle": name,
        "Body": body,
        "Attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": str(notification.published_ms)},
        "MD5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
    }
    record: dict[str, Any] = sqs_event(message, NOTIFICATIONS_QUEUE)["Records"][0]
    return record
