"""Hands the messages of a queue to a handler as Lambda does: several at a time, each up to three times.

After the third try, a message goes to the dead-letter queue.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from app.local import aws
from app.local.invocation import Context, LambdaEvent, scheduled_event, sqs_event
from app.local.provision import QUEUE

Handler = Callable[[LambdaEvent, Context], Any]

CONCURRENCY = 8  # at most 10, because SQS returns no more messages at once
SWEEP_TIMEOUT_S = 55
LONG_POLL_S = 1  # short, so that the worker ends soon after SIGTERM
RETRY_AFTER_S = {1: 1, 2: 2}
"""How often a message was received → seconds until the next try.

After the third receive there is no wait, because SQS then moves the message to the dead-letter queue.
"""

_log = logging.getLogger(__name__)


class QueuePoller:
    """Polls one queue for one handler."""

    def __init__(self, env: Mapping[str, str], handler: Handler) -> None:
        """`env` is the environment that `environment.deployed` makes; the queue is the one that `provision` creates."""
        self._sqs = aws.client("sqs", env)
        self._queue_url = self._sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        self._handler = handler
        self._timeout_s = int(env.get("WORKER_TIMEOUT_S") or 20)
        self._slots = threading.Semaphore(CONCURRENCY)

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Hand each message to the handler, CONCURRENCY at a time, until `stop` is set. Calls `beat` about each second.

        A message is done when the handler returns without naming it in batchItemFailures. Returns when all calls of
        the handler have ended.
        """
        with ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="attempts") as pool:
            while not stop.is_set():
                beat()
                slots = self._take_slots()
                messages = self._receive(slots, stop) if slots else []
                for _ in range(slots - len(messages)):
                    self._slots.release()
                for message in messages:
                    context = Context("attempts", self._timeout_s)
                    invocation = pool.submit(self._handler, sqs_event(message), context)
                    invocation.add_done_callback(partial(self._finish, message))

    def is_behind(self) -> bool:
        """Whether more messages wait than are handled at once. Returns False if the queue does not answer."""
        try:
            answer = self._sqs.get_queue_attributes(
                QueueUrl=self._queue_url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        except (BotoCoreError, ClientError):
            return False
        return int(answer["Attributes"]["ApproximateNumberOfMessages"]) > CONCURRENCY

    def _take_slots(self) -> int:
        """Take all free slots. Waits up to LONG_POLL_S for the first; returns how many were taken."""
        taken = int(self._slots.acquire(timeout=LONG_POLL_S))
        while 0 < taken < CONCURRENCY and self._slots.acquire(blocking=False):
            taken += 1
        return taken

    def _receive(self, count: int, stop: threading.Event) -> list[dict[str, Any]]:
        try:
            answer = self._sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=count,
                WaitTimeSeconds=LONG_POLL_S,
                AttributeNames=["All"],
            )
        except (BotoCoreError, ClientError) as error:
            _log.warning("The queue does not answer: %s", type(error).__name__)
            stop.wait(1)
            return []
        received: list[dict[str, Any]] = answer.get("Messages", [])
        return received

    def _finish(self, message: Mapping[str, Any], invocation: Future[Any]) -> None:
        """Delete a message that is done, else make it visible again after a while; free its slot."""
        try:
            if self._is_done(message, invocation):
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
            else:
                self._sqs.change_message_visibility(
                    QueueUrl=self._queue_url,
                    ReceiptHandle=message["ReceiptHandle"],
                    VisibilityTimeout=RETRY_AFTER_S.get(int(message["Attributes"]["ApproximateReceiveCount"]), 0),
                )
        except (BotoCoreError, ClientError) as error:
            # The message comes again after its visibility timeout. No attempt is made twice, so that does no harm.
            _log.warning("A message could not be deleted or put back: %s", type(error).__name__)
        finally:
            self._slots.release()

    def _is_done(self, message: Mapping[str, Any], invocation: Future[Any]) -> bool:
        error = invocation.exception()
        if error is not None:
            _log.error(
                "The handler raised %s",
                type(error).__name__,
                exc_info=error,
                extra={
                    "message_id": message["MessageId"],
                    "receive_count": message["Attributes"]["ApproximateReceiveCount"],
                },
            )
            return False
        failures = (invocation.result() or {}).get("batchItemFailures", [])
        return all(failure["itemIdentifier"] != message["MessageId"] for failure in failures)


def tick(
    sweep: Handler,
    stop: threading.Event,
    interval_s: float = 1.0,
    is_behind: Callable[[], bool] = lambda: False,
    behind_interval_s: float = 60.0,
) -> None:
    """Call `sweep` every `interval_s` seconds until `stop` is set, never twice at once. Its exceptions are logged.

    While `is_behind` returns True, `sweep` is called only every `behind_interval_s` seconds, as on AWS: emails whose
    message waits in the queue are due as well, and each sweep would publish another message for them.
    """
    swept_at_s = monotonic()
    with ThreadPoolExecutor(1, thread_name_prefix="sweep") as pool:
        while not stop.wait(interval_s):
            if monotonic() - swept_at_s < behind_interval_s and is_behind():
                continue
            swept_at_s = monotonic()
            error = pool.submit(sweep, scheduled_event(), Context("sweep", SWEEP_TIMEOUT_S)).exception()
            if error is not None:
                _log.error("The sweep raised %s", type(error).__name__, exc_info=error)
