"""Publishing to the processing queue, an SNS topic. A message carries ids only: its reader reads the row again."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from app.errors import ServiceUnavailable


class Sns(Protocol):
    """What is used of botocore's SNS client."""

    def publish(self, **arguments: Any) -> Any:
        """Publish a message."""


@dataclass(frozen=True)
class Topic:
    """The topic whose messages are attempts to make."""

    sns: Sns
    arn: str

    def publish(self, email_id: str, attempt: int) -> None:
        """Ask for attempt number `attempt` of an email. Raises ServiceUnavailable if SNS refuses."""
        try:
            self.sns.publish(TopicArn=self.arn, Message=json.dumps({"email_id": email_id, "attempt": attempt}))
        except (BotoCoreError, ClientError) as error:
            raise ServiceUnavailable(f"the queue does not take messages: {type(error).__name__}") from error
