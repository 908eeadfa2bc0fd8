"""Publishing to the processing queue: an SNS topic, and an SQS queue for what is to come later, as SNS cannot delay.

A message carries ids only, because the email may have changed by the time the worker reads it.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.errors import ServiceUnavailable

LONGEST_DELAY_S = 900  # SQS API reference, SendMessage, DelaySeconds (read 2026-11-29)
MOST_AT_ONCE = 10  # SNS API reference, PublishBatch; sns:Publish allows it, Developer Guide (read 2026-11-29)


class Sns(Protocol):
    """The methods of botocore's SNS client that are used here."""

    def publish(self, **arguments: Any) -> Any:
        """Publish `Message` to `TopicArn`."""

    def publish_batch(self, **arguments: Any) -> Any:
        """Publish `PublishBatchRequestEntries` to `TopicArn`, any part of which may fail."""


class Sqs(Protocol):
    """The methods of botocore's SQS client that are used here."""

    def send_message(self, **arguments: Any) -> Any:
        """Send `MessageBody` to `QueueUrl`, which delivers it after `DelaySeconds`."""


@dataclass(frozen=True)
class DelayQueue:
    """The SQS queue of messages that come later. `sqs` makes its client when that is first needed."""

    sqs: Callable[[], Sqs]
    url: str
    clock: Callable[[], float]

    def publish(self, email_id: str, attempt: int, at_ms: int) -> None:
        """Publish a request for an attempt so that it comes at `at_ms`, or up to a second later.

        SQS delays a message for a quarter of an hour at most. One that comes too early says so by its `at_ms`. Raises
        ServiceUnavailable if SQS does not take it, for whatever reason.
        """
        delay_s = math.ceil(max(0.0, at_ms / 1000 - self.clock()))
        body = json.dumps({"email_id": email_id, "attempt": attempt, "at_ms": at_ms})
        try:
            self.sqs().send_message(QueueUrl=self.url, MessageBody=body, DelaySeconds=min(delay_s, LONGEST_DELAY_S))
        except Exception as error:
            raise ServiceUnavailable(f"the delay queue takes no messages: {type(error).__name__}") from error


@dataclass(frozen=True)
class Topic:
    """The SNS topic. Each message asks a worker to make one attempt."""

    sns: Sns
    arn: str

    def publish(self, email_id: str, attempt: int) -> None:
        """Publish a request for attempt number `attempt` of an email. Raises ServiceUnavailable if it fails."""
        try:
            self.sns.publish(TopicArn=self.arn, Message=_message(email_id, attempt))
        except Exception as error:
            raise ServiceUnavailable(f"the queue does not take messages: {type(error).__name__}") from error

    def publish_many(self, attempts: Sequence[tuple[str, int]]) -> list[tuple[str, str]]:
        """Publish requests for these attempts (email id and number), ten at a time.

        Returns the ids of the emails whose request was not taken, each with the reason.
        """
        return [
            refused
            for start in range(0, len(attempts), MOST_AT_ONCE)
            for refused in self._publish_batch(attempts[start : start + MOST_AT_ONCE])
        ]

    def _publish_batch(self, attempts: Sequence[tuple[str, int]]) -> Iterator[tuple[str, str]]:
        entries = [{"Id": str(number), "Message": _message(*one)} for number, one in enumerate(attempts)]
        try:
            answer = self.sns.publish_batch(TopicArn=self.arn, PublishBatchRequestEntries=entries)
        except Exception as error:  # noqa: BLE001 because whatever it was, the messages are not known to be published
            reason = f"the queue does not take messages: {type(error).__name__}"
            yield from ((email_id, reason) for email_id, _ in attempts)
            return
        # What is not said to be taken is not, whatever else the answer says: a message too many does no harm.
        taken = {one.get("Id") for one in answer.get("Successful") or ()}
        codes = {one.get("Id"): one.get("Code") for one in answer.get("Failed") or ()}
        for number, (email_id, _) in enumerate(attempts):
            if str(number) not in taken:
                yield email_id, f"the queue does not take this message: {codes.get(str(number), 'no reason given')}"


def _message(email_id: str, attempt: int) -> str:
    return json.dumps({"email_id": email_id, "attempt": attempt})
