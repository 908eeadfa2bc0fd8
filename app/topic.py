"""Publishing to the processing queue: an SNS topic, and an SQS queue for what is to come later, as SNS cannot delay.

A message carries ids only, because the email may have changed by the time the worker reads it.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.domain.lane import Lane, of_lane, rank_of
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
    """The SQS queues of messages that come later: one for each lane, so that none waits behind another's.

    `url` has `{lane}` where the name of the lane stands. `sqs` makes the client when that is first needed.
    """

    sqs: Callable[[], Sqs]
    url: str
    clock: Callable[[], float]

    def publish(self, email_id: str, attempt: int, at_ms: int, lane: Lane) -> None:
        """Publish a request for an attempt so that it comes at `at_ms`, or up to a second later.

        SQS delays a message for a quarter of an hour at most. One that comes too early says so by its `at_ms`. Raises
        ServiceUnavailable if SQS does not take it, for whatever reason.
        """
        delay_s = math.ceil(max(0.0, at_ms / 1000 - self.clock()))
        url, delay_s = of_lane(self.url, lane), min(delay_s, LONGEST_DELAY_S)
        body = json.dumps({**_asked(email_id, attempt, lane), "at_ms": at_ms})
        try:
            self.sqs().send_message(QueueUrl=url, MessageBody=body, DelaySeconds=delay_s)
        except Exception as error:
            raise ServiceUnavailable(f"the delay queue takes no messages: {type(error).__name__}") from error


@dataclass(frozen=True)
class Topic:
    """The SNS topics, one for each lane. Each message asks a worker of that lane to make one attempt.

    `arn` has `{lane}` where the name of the lane stands; without it, all lanes share one topic.
    """

    sns: Sns
    arn: str

    def publish(self, email_id: str, attempt: int, lane: Lane) -> None:
        """Publish a request for attempt `attempt` of an email of that lane. Raises ServiceUnavailable if it fails."""
        try:
            self.sns.publish(TopicArn=of_lane(self.arn, lane), Message=_message(email_id, attempt, lane))
        except Exception as error:
            raise ServiceUnavailable(f"the queue does not take messages: {type(error).__name__}") from error

    def publish_many(self, attempts: Sequence[tuple[str, int, Lane]]) -> list[tuple[str, str]]:
        """Publish requests for these attempts (email id, number, lane), ten at a time, the urgent ones first.

        Returns the ids of the emails whose request was not taken, each with the reason.
        """
        by_topic: dict[str, list[tuple[str, int, Lane]]] = {}
        for one in sorted(attempts, key=lambda one: rank_of(one[2])):
            by_topic.setdefault(of_lane(self.arn, one[2]), []).append(one)
        return [
            refused
            for arn, asked in by_topic.items()
            for start in range(0, len(asked), MOST_AT_ONCE)
            for refused in self._publish_batch(arn, asked[start : start + MOST_AT_ONCE])
        ]

    def _publish_batch(self, arn: str, attempts: Sequence[tuple[str, int, Lane]]) -> Iterator[tuple[str, str]]:
        messages = [_message(*one) for one in attempts]
        for number, reason in refused_of(lambda: self.sns, arn, messages, "the queue does not take messages"):
            yield attempts[number][0], reason


def refused_of(sns: Callable[[], Sns], arn: str, messages: Sequence[str], fault: str) -> Iterator[tuple[int, str]]:
    """Publish messages to a topic, MOST_AT_ONCE at most. Yields the number of each that was not taken, and the reason.

    `fault` says what it means if the whole call fails.
    """
    entries = [{"Id": str(number), "Message": message} for number, message in enumerate(messages)]
    return not_taken(
        lambda: sns().publish_batch(TopicArn=arn, PublishBatchRequestEntries=entries), len(messages), fault
    )


def not_taken(send: Callable[[], Any], count: int, fault: str) -> Iterator[tuple[int, str]]:
    """Send a batch of so many entries, whose ids are their numbers, to SNS or SQS. Yields as `refused_of` does."""
    try:
        answer = send()
    except Exception as error:  # noqa: BLE001 because whatever it was, the messages are not known to be taken
        yield from ((number, f"{fault}: {type(error).__name__}") for number in range(count))
        return
    # What is not said to be taken is not, whatever else the answer says: a message too many does no harm.
    taken = {one.get("Id") for one in answer.get("Successful") or ()}
    codes = {one.get("Id"): one.get("Code") for one in answer.get("Failed") or ()}
    for number in range(count):
        if str(number) not in taken:
            yield number, f"it is not taken: {codes.get(str(number), 'no reason given')}"


def _message(email_id: str, attempt: int, lane: Lane) -> str:
    return json.dumps(_asked(email_id, attempt, lane))


def _asked(email_id: str, attempt: int, lane: Lane) -> dict[str, str | int]:
    return {"email_id": email_id, "attempt": attempt, "lane": lane}
