"""Publishing of notifications: an SNS topic with a queue behind it, to which also goes what is tried again soon."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from app.domain.packing import packed
from app.notify.notification import Notification
from app.topic import MOST_AT_ONCE, Sns, not_taken, refused_of

# SNS and SQS take 256 KiB for a message, and for all of a batch together (SNS API reference, PublishBatch; read
# 2026-11-29). What a message takes beside its body fits into the rest.
MOST_BYTES: Final = 200_000


class Sqs(Protocol):
    """The method of botocore's SQS client that is used here."""

    def send_message_batch(self, **arguments: Any) -> Any:
        """Send `Entries` to `QueueUrl`, any part of which may fail."""


@dataclass(frozen=True)
class NotificationTopic:
    """The topic, to which notifications are published. `sns` makes the client when that is first needed."""

    sns: Callable[[], Sns]
    arn: str

    def publish_many(self, notifications: Sequence[Notification]) -> list[tuple[Notification, str]]:
        """Publish notifications. Returns those that were not taken, each with the reason."""
        messages = [(one, one.to_json()) for one in notifications]
        batches = packed(messages, lambda one: len(one[1].encode()), MOST_BYTES, MOST_AT_ONCE)
        return [refused for some in batches for refused in self._publish_batch(some)]

    def _publish_batch(self, some: Sequence[tuple[Notification, str]]) -> Iterator[tuple[Notification, str]]:
        messages = [message for _, message in some]
        for number, reason in refused_of(self.sns, self.arn, messages, "the topic takes no notifications"):
            yield some[number][0], reason


@dataclass(frozen=True)
class NotificationDelay:
    """The queue behind the topic, to which goes what is tried again soon. `sqs` makes the client, as above."""

    sqs: Callable[[], Sqs]
    url: str

    def delay_all(self, delayed: Sequence[tuple[Notification, int]]) -> list[tuple[int, str]]:
        """Publish notifications, each so that it comes after so many seconds, 900 at most.

        Returns the index of each that was not taken, and the reason.
        """
        entries = [(index, one.to_json(), delay_s) for index, (one, delay_s) in enumerate(delayed)]
        return [
            (some[number][0], reason)
            for some in packed(entries, lambda entry: len(entry[1].encode()), MOST_BYTES, MOST_AT_ONCE)
            for number, reason in not_taken(partial(self._send, some), len(some), "the queue takes no notifications")
        ]

    def _send(self, some: Sequence[tuple[int, str, int]]) -> Any:
        entries = [
            {"Id": str(number), "MessageBody": body, "DelaySeconds": delay_s}
            for number, (_, body, delay_s) in enumerate(some)
        ]
        return self.sqs().send_message_batch(QueueUrl=self.url, Entries=entries)


def read_message(text: str) -> Notification:
    """The notification in the body of a message. Raises KeyError, TypeError or ValueError if it is none."""
    values = json.loads(text)
    if isinstance(values, dict) and "Message" in values:  # the topic's envelope, if its delivery is not raw
        return Notification.from_json(values["Message"])
    return Notification.from_json(text)
