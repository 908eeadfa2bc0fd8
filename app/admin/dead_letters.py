"""`dead-letters`: messages that failed for good: attempts, notifications, reports that could not be delivered, and what
the stream of the emails was to tell."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import botocore.session
import typer
from botocore.exceptions import ClientError

from app.admin.dead_notifications import UnpublishedWrites, described, notification_in, unpublished_in
from app.admin.environment import fail, load
from app.admin.output import Json, progress, show, show_table
from app.api import times
from app.domain.lane import PLACEHOLDER, Lane
from app.domain.outcome import shorten
from app.errors import ServiceUnavailable
from app.local.provision import DEAD_LETTERS
from app.notification_queue import NotificationTopic
from app.notify.notification import Notification
from app.topic import Topic
from workers.attempts import lane_of, read

app = typer.Typer(no_args_is_help=True, help="Messages that failed for good: list them, put them back.")

HIDDEN_FOR_S = 60  # how long a message that we received is hidden from other readers
BATCH = 10  # SQS returns no more messages at once

Stage = Annotated[str, typer.Option(help="The deployed environment, such as production. Default: local mode's.")]
AttemptMessage = tuple[str, int, Lane]  # email id, number of the attempt, lane of the email

CODE, MESSAGE = "ErrorCode", "ErrorMessage"  # the attributes in which AWS says why
NOT_SAID = "received too often without success: the worker's log says why, by the email's id"

ATTEMPTS = "-attempts-"  # what stands before the lane in the name of a topic of attempts
NOTIFICATIONS = "-notifications"  # the end of the name of the topic of notifications


@dataclass(frozen=True)
class _Queue:
    """The dead-letter queue at `url`, and the topics to which its messages were published."""

    sqs: Any
    url: str
    sns: Any
    topic: Topic
    notifications: NotificationTopic
    reports_prefix: str  # how the ARNs of topics begin on which providers report; "" if there are none


@app.command("list")
def list_all(stage: Stage = "", *, as_json: Json = False) -> None:
    """Show which attempt each dead letter was for, and why it died. They stay where they are."""
    queue = _connect(stage)
    found = [*progress(_take(queue), "reading dead letters")]
    records = []
    for dead in found:
        report = report_in(dead["Body"], queue.reports_prefix)
        notification, unpublished = notification_in(dead["Body"]), unpublished_in(dead["Body"])
        records.append(
            {
                "message": dead["MessageId"],
                "attempts": [
                    {"email": email_id, "number": number, "lane": lane}
                    for email_id, number, lane in asked_for(dead["Body"])
                ],
                "notification": described(notification) if notification else None,
                "unpublished": asdict(unpublished) | {"remedy": unpublished.remedy} if unpublished else None,
                "report_from": report[0].rpartition(":")[2] if report else None,
                "sent_at": times.write(int(dead["Attributes"]["SentTimestamp"])),
                "reason": why_dead(dead),
            }
        )
        _give_back(queue, dead)
    rows = [(_wanted(one), one["sent_at"], one["reason"], one["message"]) for one in records]
    show_table(["WHAT", "SINCE", "REASON", "MESSAGE"], rows, records, as_json=as_json)


@app.command()
def redrive(stage: Stage = "", *, as_json: Json = False) -> None:
    """Put the dead letters back where they came from. The worker drops those whose attempt was made meanwhile."""
    queue = _connect(stage)
    done, left = 0, []
    taken = [*_take(queue)]
    for dead in progress(taken, "putting back", len(taken)):
        attempts, report = asked_for(dead["Body"]), report_in(dead["Body"], queue.reports_prefix)
        notification = notification_in(dead["Body"])
        if not attempts and report is None and notification is None:
            why = unpublished_in(dead["Body"]) or "not understood"
            typer.echo(f"left, {why}: message {dead['MessageId']}", err=True)
            left.append(dead["MessageId"])
            _give_back(queue, dead)
            continue
        try:
            for attempt in attempts:
                queue.topic.publish(*attempt)
            if notification is not None:
                _publish(queue.notifications, notification)
            if report is not None:
                queue.sns.publish(TopicArn=report[0], Message=report[1])  # SNS signs it anew, with the time of now
        except ServiceUnavailable as error:
            fail(f"{done} put back, then: {error.detail}")
        except ClientError as error:
            fail(f"{done} put back, then: {error.response['Error']['Code']}")
        # The message is deleted only after it was published, so that it cannot be lost.
        queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=dead["ReceiptHandle"])
        done += 1
    show(f"{done} put back", {"put_back": done, "left": left}, as_json=as_json)


def asked_for(body: str) -> list[AttemptMessage]:
    """The attempts that a dead letter asked for. Returns an empty list if it is not a message of `app.topic`.

    Four senders put messages on this queue, each in its own form: Lambda's dead-letter queue sends the event itself,
    Lambda's destinations send the event as `requestPayload`, SNS sends its envelope, and SQS sends the message that
    was received too often.
    """
    try:
        content = json.loads(body)
        event = content.get("requestPayload", content)
        return [(*read(record), lane_of(record)) for record in event.get("Records", [{"body": body}])]
    except (AttributeError, KeyError, TypeError, ValueError):
        return []


def report_in(body: str, topic_prefix: str) -> tuple[str, str] | None:
    """The topic and the text of a provider's report that SNS could not deliver to the API. None if it is none.

    Its topic is another one of the environment than those of attempts and notifications: its ARN begins with
    `topic_prefix`. Without one there are no such topics, as in local mode.
    """
    try:
        content = json.loads(body)
        topic_arn, text = content["TopicArn"], content["Message"]
    except (KeyError, TypeError, ValueError):
        return None
    is_report = isinstance(topic_arn, str) and isinstance(text, str) and topic_arn.startswith(topic_prefix or "\0")
    ours = (topic_prefix + ATTEMPTS[1:], topic_prefix + NOTIFICATIONS[1:])
    return (topic_arn, text) if is_report and not topic_arn.startswith(ours) else None


def why_dead(dead: Mapping[str, Any]) -> str:
    """Why a message died, as far as its sender says so.

    A destination of Lambda says what the function raised; Lambda's and SNS's dead-letter queues say it in attributes of
    the message. SQS says nothing.
    """
    try:
        content = json.loads(dead["Body"])
        raised = content.get("responsePayload") or {}
        said = [raised.get("errorType"), raised.get("errorMessage")]
        said = said if any(said) else [content.get("requestContext", {}).get("condition")]
    except (AttributeError, ValueError):
        said = []
    if not any(said):
        attributes = dead.get("MessageAttributes", {})
        said = [attributes.get(name, {}).get("StringValue") for name in (CODE, MESSAGE)]
    return shorten(": ".join(str(part) for part in said if part), 200) or NOT_SAID


def _wanted(record: Mapping[str, Any]) -> str:
    if record["report_from"]:
        return f"a provider's report, from {record['report_from']}"
    if record["unpublished"]:
        return str(UnpublishedWrites(*(record["unpublished"][name] for name in ("writes", "first", "last"))))
    if one := record["notification"]:
        return f"{one['type']} {one['event_id']} for the endpoint {one['endpoint_id']} of {one['project']}"
    asked = [f"{one['email']} attempt {one['number']} ({one['lane']})" for one in record["attempts"]]
    return ", ".join(asked) or "not understood"


def _connect(stage: str) -> "_Queue":
    session: Any = botocore.session.get_session()  # Any, because its type stubs know no service
    if stage:
        name, region = f"emailsminder-{stage}-dead-letters", os.environ.get("AWS_REGION")
        topic_arn = notifications_arn = ""
    else:
        found = load()
        name, region, topic_arn = DEAD_LETTERS, found.aws_region, found.topic_arn
        notifications_arn = found.notifications_topic_arn
    region = region or session.get_config_variable("region")
    if region is None:
        fail("set AWS_REGION to the region of the deployment")
    sqs = session.create_client("sqs", region_name=region)
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    except ClientError as error:
        fail(f"there is no queue {name} in {region}: {error.response['Error']['Code']}")
    _, partition, _, _, account, _ = attributes["QueueArn"].split(":")
    prefix = f"arn:{partition}:sns:{region}:{account}:emailsminder-{stage}" if stage else ""
    sns = session.create_client("sns", region_name=region)
    notifications = NotificationTopic(lambda: sns, notifications_arn or prefix + NOTIFICATIONS)
    topic = Topic(sns, topic_arn or prefix + ATTEMPTS + PLACEHOLDER)
    return _Queue(sqs, url, sns, topic, notifications, prefix and f"{prefix}-")


def _publish(topic: NotificationTopic, notification: Notification) -> None:
    """Publish a notification. Raises ServiceUnavailable if it is not taken."""
    for _, reason in topic.publish_many([notification]):
        raise ServiceUnavailable(reason)


def _take(queue: "_Queue") -> Iterator[dict[str, Any]]:
    """Every dead letter once, hidden from other readers meanwhile."""
    while received := queue.sqs.receive_message(
        QueueUrl=queue.url,
        MaxNumberOfMessages=BATCH,
        VisibilityTimeout=HIDDEN_FOR_S,
        WaitTimeSeconds=1,
        AttributeNames=["SentTimestamp"],
        MessageAttributeNames=[CODE, MESSAGE],
    ).get("Messages"):
        yield from received


def _give_back(queue: "_Queue", dead: dict[str, Any]) -> None:
    queue.sqs.change_message_visibility(QueueUrl=queue.url, ReceiptHandle=dead["ReceiptHandle"], VisibilityTimeout=0)
