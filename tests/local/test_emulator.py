import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from app.local import aws, emulator, ports
from app.local.environment import deployed
from app.local.paths import REPOSITORY
from app.local.provision import DEAD_LETTERS, QUEUE, provision
from app.store.content import OBJECTS_LIVE_FOR_DAYS, prefix_of
from tests.infra.template import load
from tests.local.emulating import TABLE, Running, running

Env = dict[str, str]
Eventually = Callable[..., None]

ENDS: dict[str, Callable[[Running], object]] = {"in order": Running.stop, "kill -9": Running.kill}


@pytest.mark.parametrize("end", ENDS)
def test_what_it_holds_survives_its_end_and_another_port(env: Env, end: str) -> None:
    first = Running(env)
    before = first.env
    provision(before)
    first.objects.put_object(Bucket=before["CONTENT_BUCKET"], Key="content/an-email/large", Body=b"content")
    first.tables.create_table(TableName="emails", **TABLE)
    first.tables.put_item(TableName="emails", Item={"p": {"S": "an-email"}, "s": {"N": "1"}, "g": {"S": "x"}})
    url = first.queues.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
    first.queues.send_message(QueueUrl=url, MessageBody="it failed three times")
    ENDS[end](first)
    with running({**env, "AWS_PORT": env["SIMULATOR_PORT"], "SIMULATOR_PORT": env["AWS_PORT"]}) as second:
        provision(second.env)
        found = second.objects.get_object(Bucket=before["CONTENT_BUCKET"], Key="content/an-email/large")
        assert found["Body"].read() == b"content"
        assert second.items("emails") == [{"p": {"S": "an-email"}, "s": {"N": "1"}, "g": {"S": "x"}}]
        by_index = second.tables.query(
            TableName="emails",
            IndexName="by-g",
            KeyConditionExpression="g = :g",
            ExpressionAttributeValues={":g": {"S": "x"}},
        )
        assert by_index["Count"] == 1
        url = second.queues.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
        [message] = second.queues.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
        assert message["Body"] == "it failed three times"


def test_a_dead_letter_that_was_taken_away_does_not_come_back(env: Env) -> None:
    with running(env) as first:
        provision(first.env)
        url = first.queues.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
        for body in ("one", "two"):
            first.queues.send_message(QueueUrl=url, MessageBody=body)
        [message] = first.queues.receive_message(QueueUrl=url)["Messages"]
        first.queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        first.kill()
        gone = message["Body"]
    with running(env) as second:
        provision(second.env)
        url = second.queues.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
        messages = second.queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        assert [message["Body"] for message in messages] == [body for body in ("one", "two") if body != gone]


def test_a_message_that_fails_too_often_is_kept_as_a_dead_letter(env: Env) -> None:
    with running(env) as first:
        provision(first.env)
        url = first.queues.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        first.queues.send_message(QueueUrl=url, MessageBody="poison")
        for _ in range(4):
            first.queues.receive_message(QueueUrl=url, VisibilityTimeout=0)
        first.kill()
    with running(env) as second:
        provision(second.env)
        url = second.queues.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
        [message] = second.queues.receive_message(QueueUrl=url)["Messages"]
        assert message["Body"] == "poison"


def test_it_is_one_process(env: Env, eventually: Eventually) -> None:
    with running(env) as started:
        os.kill(started.child.pid, signal.SIGKILL)
        eventually(lambda: started.child.exit_code() == -signal.SIGKILL)
        with pytest.raises(ProcessLookupError):
            os.killpg(started.child.pid, 0)
        ports.require_free(int(started.env["AWS_PORT"]), "AWS_PORT")


def test_provisioning_again_changes_nothing_but_the_time_limit(env: Env) -> None:
    made = deployed(env)
    with running(env):
        provision(made)
        provision({**made, "WORKER_TIMEOUT_S": "50"})
        sns, sqs = aws.client("sns", made), aws.client("sqs", made)
        assert len(sns.list_topics()["Topics"]) == 1
        assert len(sns.list_subscriptions_by_topic(TopicArn=made["TOPIC_ARN"])["Subscriptions"]) == 1
        assert len(sqs.list_queues()["QueueUrls"]) == 2
        url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
        assert attributes == {"VisibilityTimeout": "60"}


def test_nobody_can_empty_it_from_outside(env: Env) -> None:
    with running(env) as started:
        started.tables.create_table(TableName="emails", **TABLE)
        assert httpx.post(f"{started.env['AWS_ENDPOINT_URL']}/_ministack/reset").status_code == 403
        assert started.tables.list_tables()["TableNames"] == ["emails"]


def test_what_would_not_be_kept_is_refused(env: Env) -> None:
    with running(env) as started:
        started.tables.create_table(TableName="emails", **TABLE)
        with pytest.raises(ClientError, match="keeps nothing of CreateBackup"):
            started.tables.create_backup(TableName="emails", BackupName="of-emails")


def test_objects_expire_as_on_aws(env: Env) -> None:
    rules = load()["Resources"]["ContentBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    lifecycles = [f"{rule['Prefix']}:{rule['ExpirationInDays']}" for rule in rules if "ExpirationInDays" in rule]
    command = emulator.program(deployed(env), lambda: None).command
    prefix = "--lifecycle="
    assert [word.removeprefix(prefix) for word in command if word.startswith(prefix)] == lifecycles
    assert lifecycles == [f"{prefix_of(days)}:{days}" for days in OBJECTS_LIVE_FOR_DAYS]


def test_the_room_of_the_emulator_imports_nothing_of_the_application() -> None:
    room = Path(REPOSITORY / "app/local/aws_emulator")
    assert [path.name for path in room.glob("*.py") if "from app" in path.read_text()] == []
