"""Publishing to the processing queue, an SNS topic.

A message carries ids only, because the email may have changed by the time the worker reads it.
"""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from app.errors import ServiceUnavailable


class Sns(Protocol):
    """The methods of botocore's SNS client that are used here."""

    def publish(self, **arguments: Any) -> Any:
        """Publish `Message` to `TopicArn`."""


@dataclass(frozen=True)
class Topic:
    """The SNS topic. Each message asks a worker to make one attempt."""

    sns: Sns
    arn: str

    def publish(self, email_id: str, attempt: int) -> None:
        """Publish a request for attempt number `attempt` of an email. Raises ServiceUnavailable if SNS refuses."""
        try:
            self.sns.publish(TopicArn=self.arn, Message=json.dumps({"email_id": email_id, "attempt": attempt}))
        except (BotoCoreError, ClientError) as error:
            raise ServiceUnavailable(f"the queue does not take messages: {type(error).__name__}") from error
