"""`dead-letters`: messages of the processing queue that failed for good."""

import json
import os
from collections.abc import Iterator
from typing import Annotated, Any

import botocore.session
import typer
from botocore.exceptions import ClientError

from app.admin.environment import fail, load
from app.errors import ServiceUnavailable
from app.local.provision import DEAD_LETTERS
from app.topic import Topic
from workers.attempts import read

app = typer.Typer(no_args_is_help=True, help="Messages that failed for good: list them, put them back.")

HIDDEN_FOR_S = 60  # how long a message that we received is hidden from other readers
BATCH = 10  # SQS returns no more messages at once

Stage = Annotated[str, typer.Option(help="The deployed environment, such as production. Default: local mode's.")]
AttemptMessage = tuple[str, int]  # email id, number of the attempt


@app.command("list")
def show(stage: Stage = "") -> None:
    """Count the dead letters, and show which attempt each one was for. They stay where they are."""
    sqs, url, _ = _connect(stage)
    found = list(_take(sqs, url))
    typer.echo(f"{len(found)} dead letters")
    for dead in found:
        wanted = ", ".join(f"{email_id} attempt {attempt}" for email_id, attempt in asked_for(dead["Body"]))
        typer.echo(wanted or f"not understood: message {dead['MessageId']}")
        _give_back(sqs, url, dead)


@app.command()
def redrive(stage: Stage = "") -> None:
    """Put the dead letters back on the processing queue. The worker drops those whose attempt was made meanwhile."""
    sqs, url, topic = _connect(stage)
    done = 0
    for dead in list(_take(sqs, url)):
        attempts = asked_for(dead["Body"])
        if not attempts:
            typer.echo(f"left, not understood: message {dead['MessageId']}", err=True)
            _give_back(sqs, url, dead)
            continue
        try:
            for attempt in attempts:
                topic.publish(*attempt)
        except ServiceUnavailable as error:
            fail(f"{done} put back, then: {error.detail}")
        # The message is deleted only after it was published, so that it cannot be lost.
        sqs.delete_message(QueueUrl=url, ReceiptHandle=dead["ReceiptHandle"])
        done += 1
    typer.echo(f"{done} put back")


def asked_for(body: str) -> list[AttemptMessage]:
    """The attempts that a dead letter asked for. Returns an empty list if it is not a message of `app.topic`.

    Four senders put messages on this queue, each in its own form: Lambda's dead-letter queue sends the event itself,
    Lambda's destinations send the event as `requestPayload`, SNS sends its envelope, and SQS sends the message that
    was received too often.
    """
    try:
        content = json.loads(body)
        event = content.get("requestPayload", content)
        return [read(record) for record in event.get("Records", [{"body": body}])]
    except (AttributeError, KeyError, TypeError, ValueError):
        return []


def _connect(stage: str) -> tuple[Any, str, Topic]:
    """A client of SQS, the URL of the dead-letter queue, and the topic to which its messages were published."""
    session: Any = botocore.session.get_session()  # Any, because its type stubs know no service
    if stage:
        name, region, topic_arn = f"emailsminder-{stage}-dead-letters", os.environ.get("AWS_REGION"), None
    else:
        found = load()
        name, region, topic_arn = DEAD_LETTERS, found.aws_region, found.topic_arn
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
    topic_arn = topic_arn or f"arn:{partition}:sns:{region}:{account}:emailsminder-{stage}-attempts"
    return sqs, url, Topic(session.create_client("sns", region_name=region), topic_arn)


def _take(sqs: Any, url: str) -> Iterator[dict[str, Any]]:
    """Every dead letter once, hidden from other readers meanwhile."""
    while received := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=BATCH, VisibilityTimeout=HIDDEN_FOR_S, WaitTimeSeconds=1
    ).get("Messages"):
        yield from received


def _give_back(sqs: Any, url: str, dead: dict[str, Any]) -> None:
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=dead["ReceiptHandle"], VisibilityTimeout=0)
