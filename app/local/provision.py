"""Creates in the emulator what infra/template.yaml creates on AWS, except the tables. It may be repeated."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from app.local import aws

QUEUE = "attempts"
DEAD_LETTERS = "attempts-dead-letters"
NOTIFICATIONS_QUEUE = "notifications"
FAILED_KEPT_S = 14 * 86_400  # as on AWS, the longest there is
TRIES = 3


def provision(env: Mapping[str, str]) -> None:
    """Create the content bucket, the topic, and the queue from which the local worker gets the topic's messages.

    Raises botocore's exceptions if the emulator refuses.
    """
    s3 = aws.client("s3", env)
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=env["CONTENT_BUCKET"])
    sns, sqs = aws.client("sns", env), aws.client("sqs", env)
    topic_arn = sns.create_topic(Name=env["TOPIC_ARN"].rpartition(":")[2])["TopicArn"]
    _, dead_letters_arn = _queue(sqs, DEAD_LETTERS, {"MessageRetentionPeriod": str(FAILED_KEPT_S)})
    _, queue_arn = _queue(
        sqs,
        QUEUE,
        {
            "VisibilityTimeout": str(visibility_timeout_s(env)),
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_letters_arn, "maxReceiveCount": TRIES}),
        },
    )
    sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn)


def visibility_timeout_s(env: Mapping[str, str]) -> int:
    """How long a message stays hidden while it is handled. AWS demands that it is longer than a handler may run."""
    return int(env.get("WORKER_TIMEOUT_S") or 20) + 10


def _queue(sqs: Any, name: str, attributes: Mapping[str, str]) -> tuple[str, str]:
    # The attributes are set afterwards, because SQS refuses to create a queue that exists with other attributes.
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    if attributes:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, arn
