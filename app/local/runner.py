"""Hands messages to a handler as Lambda does: many side by side, each up to three times."""

import hashlib
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.domain.lane import Lane
from app.faults import log_fault
from app.local.backlog import Backlog, Task
from app.local.invocation import Context, LambdaEvent, sqs_event
from app.local.provision import TRIES
from app.local.queue_poller import RETRY_AFTER_S, LocalQueue

Handler = Callable[[LambdaEvent, Context], Any]

CONCURRENCY: Final = 32  # most of them wait for a provider
URGENT_BESIDE: Final = 8  # threads that take urgent emails only, as the urgent lane's function does on AWS

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Handed:
    """A message that was handed over in memory. `tries` counts those that failed."""

    email_id: str
    attempt: int
    at_ms: int
    backlog: Backlog
    queue: LocalQueue
    lane: Lane
    tries: int = 0
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    published_at_ms: int = field(default_factory=lambda: _now_ms())

    @property
    def key(self) -> tuple[str, int]:
        """The email and the attempt."""
        return self.email_id, self.attempt

    def event(self) -> LambdaEvent:
        """The event that SQS would make of the message."""
        body = json.dumps({"email_id": self.email_id, "attempt": self.attempt, "lane": self.lane, "at_ms": self.at_ms})
        return sqs_event(
            {
                "MessageId": self.message_id,
                "ReceiptHandle": self.message_id,
                "Body": body,
                "Attributes": {
                    "ApproximateReceiveCount": str(self.tries + 1),
                    "SentTimestamp": str(self.published_at_ms),
                },
                "MD5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
            }
        )

    def settle(self, *, is_done: bool) -> None:
        """If the message is not done, let it come again after a while, or put it on the dead-letter queue."""
        tries = self.tries + 1
        if is_done:
            return
        if tries < TRIES:
            self.backlog.put_later(replace(self, tries=tries), _now_ms() + RETRY_AFTER_S[tries] * 1000)
        else:
            self.queue.bury(self.email_id, self.attempt, self.lane)


class Runner:
    """Calls one handler for the tasks of one backlog, in threads of its own, until the backlog is closed."""

    def __init__(self, backlog: Backlog, handler: Handler, timeout_s: float) -> None:
        """`timeout_s` is what the handler is told that it may take."""
        self._backlog, self._handler, self._timeout_s = backlog, handler, timeout_s
        takes = [backlog.take] * CONCURRENCY + [backlog.take_urgent] * URGENT_BESIDE
        self._threads = [
            threading.Thread(target=self._run, args=(take,), name=f"attempts-{n}") for n, take in enumerate(takes)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait until every call of the handler that has begun has ended, once the backlog is closed."""
        for thread in self._threads:
            thread.join()

    def _run(self, take: Callable[[], Task | None]) -> None:
        while (task := take()) is not None:
            try:
                task.settle(is_done=self._is_done(task))
            except Exception as error:  # noqa: BLE001 because the thread would end; what is not settled comes again
                log_fault(log, "A message could not be settled", error)
            finally:
                self._backlog.end(task)

    def _is_done(self, task: Task) -> bool:
        """Whether the handler returned without naming the message in batchItemFailures."""
        event = task.event()
        [record] = event["Records"]
        try:
            result = self._handler(event, Context("attempts", self._timeout_s)) or {}
            failures = [failed["itemIdentifier"] for failed in result.get("batchItemFailures", [])]
        except Exception as error:  # noqa: BLE001 because Lambda makes a failure of it, too
            count = record["attributes"]["ApproximateReceiveCount"]
            log_fault(log, "The handler failed", error, message_id=record["messageId"], receive_count=count)
            return False
        return record["messageId"] not in failures


def _now_ms() -> int:
    return int(time.time() * 1000)
