"""Makes what Lambda passes to a handler: the event of SQS, the event of a schedule, the context."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from app.local.environment import ACCOUNT, REGION
from app.local.provision import QUEUE

LambdaEvent = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """Lambda's context object, with the members that our handlers and their logger use."""

    function_name: str
    timeout_s: float
    memory_limit_in_mb: int = 512
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    _started_at_s: float = field(default_factory=monotonic)

    @property
    def invoked_function_arn(self) -> str:
        """The function's ARN."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds left until Lambda would end the invocation."""
        return max(0, int((self._started_at_s + self.timeout_s - monotonic()) * 1000))


def sqs_event(message: Mapping[str, Any], queue: str = QUEUE) -> LambdaEvent:
    """The event for one message that was received from SQS, from the queue of that name.

    Its form is that of https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html.
    """
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": dict(message.get("Attributes", {})),
                "messageAttributes": {},
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
                "awsRegion": REGION,
            }
        ]
    }


def scheduled_event() -> LambdaEvent:
    """The event by which a schedule starts a function.

    Its form is that of https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html.
    """
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/sweep"],
        "detail": {},
    }
