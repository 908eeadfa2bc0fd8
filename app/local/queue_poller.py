"""Feeds a queue to a handler as Lambda does: three tries side by side, then the dead-letter queue."""

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

CONCURRENCY = 8  # no more than the 10 messages that SQS hands out at once
SWEEP_TIMEOUT_S = 55
LONG_POLL_S = 1  # short, so that the worker ends soon when asked
RETRY_AFTER_S = {1: 1, 2: 2}
"""Receive count → seconds until the next try. After the last try the message goes to the dead-letter queue at once."""

_log = logging.getLogger(__name__)


class QueuePoller:
    """One queue, one handler."""

    def __init__(self, env: Mapping[str, str], handler: Handler) -> None:
        """`env` is a deployed process's; the queue is the one `provision` creates."""
        self._sqs = aws.client("sqs", env)
        self._queue_url = self._sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        self._handler = handler
        self._timeout_s = int(env.get("WORKER_TIMEOUT_S") or 20)
        self._slots = threading.Semaphore(CONCURRENCY)

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Hand each message to the handler, CONCURRENCY at a time, until `stop` is set; `beat` is called each second.

        A message is done when the handler returns without naming it in batchItemFailures. Returns when the handlers
        that still run have ended.
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
                    invocation.add_done_callback(partial(self._settle, message))

    def is_behind(self) -> bool:
        """Do more messages wait than are handled at once? False if the queue does not answer."""
        try:
            answer = self._sqs.get_queue_attributes(
                QueueUrl=self._queue_url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        except (BotoCoreError, ClientError):
            return False
        return int(answer["Attributes"]["ApproximateNumberOfMessages"]) > CONCURRENCY

    def _take_slots(self) -> int:
        """As many as are free, waiting a moment for the first."""
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

    def _settle(self, message: Mapping[str, Any], invocation: Future[Any]) -> None:
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
            # It comes again after its visibility timeout; attempts are guarded against that.
            _log.warning("A message could not be settled: %s", type(error).__name__)
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
    """Call `sweep` every `interval_s` until `stop` is set, never twice at once. Its failures are logged.

    While the worker is behind, only every `behind_interval_s`, as on AWS: what waits in the queue is due as well, and
    each sweep would add another message for it.
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
