import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.local import aws, emulator, ports
from app.local.children import Child
from app.local.environment import deployed
from app.local.provision import QUEUE, provision

Env = dict[str, str]
Eventually = Callable[..., None]


@contextmanager
def running(env: Env) -> Iterator[Child]:
    child = Child(emulator.program(env, lambda: None), [])
    try:
        child.wait_until_ready(20, threading.Event())
        yield child
    finally:
        child.stop(grace_s=20)


def test_what_it_holds_survives_its_end_and_another_port(env: Env) -> None:
    before = deployed(env)
    with running(before):
        provision(before)
        aws.client("s3", before).put_object(Bucket=before["CONTENT_BUCKET"], Key="large", Body=b"content")
        tables = aws.client("dynamodb", before)
        tables.create_table(
            TableName="emails",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        tables.put_item(TableName="emails", Item={"id": {"S": "an-email"}})
        aws.client("sns", before).publish(TopicArn=before["TOPIC_ARN"], Message="waiting")
    after = deployed({**env, "AWS_PORT": env["SIMULATOR_PORT"], "SIMULATOR_PORT": env["AWS_PORT"]})
    with running(after):
        provision(after)
        found = aws.client("s3", after).get_object(Bucket=after["CONTENT_BUCKET"], Key="large")
        assert found["Body"].read() == b"content"
        item = aws.client("dynamodb", after).get_item(
            TableName="emails", Key={"id": {"S": "an-email"}}, ConsistentRead=True
        )
        assert item["Item"] == {"id": {"S": "an-email"}}
        sqs = aws.client("sqs", after)
        url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
        assert "waiting" in message["Body"]


def test_it_is_one_process(env: Env, eventually: Eventually) -> None:
    made = deployed(env)
    with running(made) as child:
        os.kill(child.pid, signal.SIGKILL)
        eventually(lambda: child.exit_code() == -signal.SIGKILL)
        with pytest.raises(ProcessLookupError):
            os.killpg(child.pid, 0)
        ports.require_free(int(made["AWS_PORT"]), "AWS_PORT")


def test_provisioning_again_changes_nothing_but_the_time_limit(env: Env) -> None:
    made = deployed(env)
    with running(made):
        provision(made)
        provision({**made, "WORKER_TIMEOUT_S": "50"})
        sns, sqs = aws.client("sns", made), aws.client("sqs", made)
        assert len(sns.list_topics()["Topics"]) == 1
        assert len(sns.list_subscriptions_by_topic(TopicArn=made["TOPIC_ARN"])["Subscriptions"]) == 1
        assert len(sqs.list_queues()["QueueUrls"]) == 2
        url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
        assert attributes == {"VisibilityTimeout": "60"}
