"""An installation of moto's whose application is told what becomes of emails: its feed, and what is published."""

import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import botocore.session

from app.domain.change_types import ChangeType
from app.domain.changes import EmailChange, changes
from app.domain.email import Role
from app.domain.head import Recipient
from app.notify.notification import Notification
from app.settings import Settings
from app.store.change_feed import HELD_BACK_MS, PROMPT_MS, ChangeFeed
from app.store.partitions import Partitions
from app.wiring.parts import Container
from tests.support.clock import Clock
from tests.support.samples import a_head

REGION = "us-east-1"
TOPIC_ARN = f"arn:aws:sns:{REGION}:123456789012:notifications"
QUEUE_URL = f"https://sqs.{REGION}.amazonaws.com/123456789012/notifications"
MASTER = "s3cr3t-webhooks-of-thirty-two-characters"
NOTIFY_SETTINGS = {
    "WEBHOOK_SECRET": MASTER,
    "NOTIFICATIONS_TOPIC_ARN": TOPIC_ARN,
    "NOTIFICATIONS_QUEUE_URL": QUEUE_URL,
}
"""The variables that such an installation has beside the others."""

PUBLIC = "https://8.8.8.8/hook"
"""A URL that may be registered, and whose host nobody need look up."""


@dataclass(frozen=True)
class FeedWriter:
    """Puts changes into the feed, and takes what was published."""

    partitions: Partitions
    shards: int
    clock: Clock

    @classmethod
    def of(cls, parts: Container, clock: Clock) -> "FeedWriter":
        """That of a container."""
        return cls(parts.partitions, parts.settings.shards, clock)

    def record(self, project: str = "default", kind: ChangeType | None = None, **fields: Any) -> EmailChange:
        """Let something become of a new email, and let it be readable."""
        self.partitions.note(project)
        recipients = {"ann@example.net": Recipient("ann@example.net", Role.TO)}
        email_id = fields.pop("email_id", f"eml_{uuid4().hex[:26]}")
        head = a_head(self.clock.now_ms, email_id=email_id, recipients=recipients, project=project, **fields)
        (change,) = changes(None, head, self.clock.now_ms)
        change = replace(change, type=kind or change.type)
        ChangeFeed(self.clock, self.shards).add([change], self.clock.now_ms)
        self.clock.advance((PROMPT_MS + HELD_BACK_MS) / 1000 + 0.1)
        return change

    def published(self) -> list[Notification]:
        """What was published since the last time, in any order."""
        sqs = client("sqs")
        found: list[Notification] = []
        while taken := sqs.receive_message(QueueUrl=QUEUE_URL, MaxNumberOfMessages=10).get("Messages"):
            for one in taken:
                found.append(Notification.from_json(one["Body"]))
                sqs.delete_message(QueueUrl=QUEUE_URL, ReceiptHandle=one["ReceiptHandle"])
        return found


def over_tables(settings: Settings, clock: Clock) -> FeedWriter:
    """That of the tables that are connected."""
    return FeedWriter(Partitions(clock), settings.shards, clock)


def client(service: str) -> Any:
    """A client of moto's AWS."""
    return botocore.session.get_session().create_client(service, region_name=REGION)


def make_topic() -> None:
    """Make the topic of notifications, with its queue behind it."""
    made = client("sns").create_topic(Name="notifications")["TopicArn"]
    client("sqs").create_queue(QueueName="notifications")
    assert made == TOPIC_ARN
    client("sns").subscribe(
        TopicArn=TOPIC_ARN,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{REGION}:123456789012:notifications",
        Attributes={"RawMessageDelivery": "true"},
    )


def body_of(notification: Notification) -> Any:
    """What would be posted."""
    return json.loads(notification.body)
