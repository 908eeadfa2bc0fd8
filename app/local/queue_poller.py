"""Takes what is left in the worker's queue of the AWS emulator: messages that nobody could hand over.

They were published while no worker ran, or put back from the dead letters. As on AWS, a message is tried three times,
and then goes to the dead-letter queue.
"""

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from app.delivery.queue_ports import Asked
from app.domain.lane import Lane
from app.faults import log_fault
from app.local import aws
from app.local.backlog import Backlog
from app.local.invocation import LambdaEvent, sqs_event
from app.local.provision import DEAD_LETTERS, QUEUE
from workers.attempts import lane_of

BATCH: Final = 10  # SQS returns no more messages at once
RETRY_AFTER_S: Final = {1: 1, 2: 2}
"""How often a message was tried → seconds until the next try.

After the third receive there is no wait, because SQS then moves the message to the dead-letter queue.
"""

_log = logging.getLogger(__name__)


class LocalQueue:
    """The worker's queue and its dead letters, as `provision` creates them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """`env` is the environment that `environment.deployed` makes."""
        self._sqs = aws.client("sqs", env)
        self._url, self._failed_url = (
            self._sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in (QUEUE, DEAD_LETTERS)
        )

    def receive(self) -> list["Received"] | None:
        """Some messages, without waiting for one. Returns None if the queue does not answer."""
        try:
            answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=BATCH, AttributeNames=["All"])
        except (BotoCoreError, ClientError) as error:
            log_fault(_log, "The queue does not answer", error, logging.WARNING)
            return None
        return [Received(message, self) for message in answer.get("Messages", [])]

    def delete(self, message: Mapping[str, Any]) -> None:
        """Delete a message that is done."""
        try:
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        except (BotoCoreError, ClientError) as error:
            # The message comes again after its visibility timeout. No attempt is made twice, so that does no harm.
            log_fault(_log, "A message could not be deleted", error, logging.WARNING)

    def put_back(self, message: Mapping[str, Any]) -> None:
        """Make a message visible again after a while."""
        tries = int(message["Attributes"]["ApproximateReceiveCount"])
        try:
            self._sqs.change_message_visibility(
                QueueUrl=self._url,
                ReceiptHandle=message["ReceiptHandle"],
                VisibilityTimeout=RETRY_AFTER_S.get(tries, 0),
            )
        except (BotoCoreError, ClientError) as error:
            log_fault(_log, "A message could not be put back", error, logging.WARNING)

    def leave(self, messages: Sequence[Asked], within_s: float) -> None:
        """Put messages here for the next worker, as many as it takes `within_s` seconds.

        The others are published when their emails are due.
        """
        until_s = monotonic() + within_s
        for first in range(0, len(messages), BATCH):
            if monotonic() > until_s:
                return
            entries = [
                {"Id": str(number), "MessageBody": _body(*message)}
                for number, message in enumerate(messages[first : first + BATCH])
            ]
            try:
                self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
            except (BotoCoreError, ClientError) as error:
                log_fault(_log, "Messages could not be left in the queue", error, logging.WARNING)
                return

    def bury(self, email_id: str, attempt: int, lane: Lane) -> None:
        """Put a message that failed for good on the dead-letter queue. If that fails, its email is due all the same."""
        self.bury_text(_body(email_id, attempt, lane))

    def bury_text(self, body: str) -> None:
        """Put this on the dead-letter queue. That it fails is logged."""
        try:
            self._sqs.send_message(QueueUrl=self._failed_url, MessageBody=body)
        except (BotoCoreError, ClientError) as error:
            log_fault(_log, "A dead letter could not be kept", error, logging.WARNING)


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was received from the queue."""

    message: Mapping[str, Any]
    queue: LocalQueue
    email_id: str = ""
    key: None = None

    @property
    def lane(self) -> Lane:
        """The lane that the message says."""
        return lane_of({"body": self.message["Body"]})

    def event(self) -> LambdaEvent:
        """The event that SQS makes of the message."""
        return sqs_event(self.message)

    def settle(self, *, is_done: bool) -> None:
        """Delete the message if it is done, else make it visible again after a while."""
        if is_done:
            self.queue.delete(self.message)
        else:
            self.queue.put_back(self.message)


def poll(queue: LocalQueue, backlog: Backlog, stop: threading.Event, every_s: float) -> None:
    """Put what lies in the queue before all that waits, each `every_s` seconds until `stop` is set.

    While there are messages, the next are received as soon as the handling of these has begun. They are not received
    earlier, because SQS would deliver a message again that waits here for longer than its visibility timeout.
    """
    while not stop.is_set():
        try:
            found = queue.receive()
        except Exception as error:  # noqa: BLE001 because no message would come through the queue any more
            log_fault(_log, "The queue gave an answer that cannot be read", error)
            found = None
        if found:
            backlog.put_first(found)
            if not backlog.wait_until_begun():
                return
        else:
            stop.wait(1 if found is None else every_s)


def _body(email_id: str, attempt: int, lane: Lane) -> str:
    """The message as `app.topic` writes it, without SNS's envelope."""
    return json.dumps({"email_id": email_id, "attempt": attempt, "lane": lane})
