"""AWS as tests use it: clients, and a topic with a queue behind it."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import botocore.session
from botocore.config import Config

from app.topic import Topic

REGION = "us-east-1"
BUCKET = "test-content"
MOST = 10  # messages that SQS gives at once


def client(endpoint_url: str, service: str) -> Any:
    """A botocore client that gives up soon if nothing answers."""
    return botocore.session.get_session().create_client(
        service,
        region_name=REGION,
        endpoint_url=endpoint_url,
        config=Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 0}),
    )


@dataclass(frozen=True)
class Aws:
    """The emulator, its clients, and the bucket for large contents."""

    endpoint_url: str
    sns: Any
    sqs: Any
    s3: Any

    @classmethod
    def at(cls, endpoint_url: str) -> "Aws":
        sns, sqs, s3 = (client(endpoint_url, service) for service in ("sns", "sqs", "s3"))
        s3.create_bucket(Bucket=BUCKET)
        return cls(endpoint_url, sns, sqs, s3)

    def queue(self, *, raw: bool = False) -> "Queue":
        """A new topic with a queue of its own behind it."""
        name = f"attempts-{uuid4().hex}"
        topic_arn = self.sns.create_topic(Name=name)["TopicArn"]
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.sns.subscribe(
            TopicArn=topic_arn,
            Protocol="sqs",
            Endpoint=topic_arn.replace(":sns:", ":sqs:"),
            Attributes={"RawMessageDelivery": str(raw).lower()},
        )
        return Queue(self.sqs, url, Topic(self.sns, topic_arn))


@dataclass(frozen=True)
class Queue:
    """A topic and the queue behind it. The emulator puts a message on the queue before `publish` returns."""

    sqs: Any
    url: str
    topic: Topic

    def records(self) -> list[dict[str, Any]]:
        """Take every message off the queue, as SQS returns it."""
        taken: list[dict[str, Any]] = []
        while found := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=MOST).get("Messages"):
            entries = [{"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]} for at, one in enumerate(found)]
            self.sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)
            taken += found
            if len(found) < MOST:  # the emulator gives as many as there are
                break
        return taken

    def published(self) -> list[tuple[str, int]]:
        """Take every message off the queue, as (email id, attempt number), in order."""
        messages = [json.loads(json.loads(record["Body"])["Message"]) for record in self.records()]
        return [(message["email_id"], message["attempt"]) for message in messages]
