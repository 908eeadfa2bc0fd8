"""What an earlier version saved at its end is taken over once, unless it may be older than what was done since."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.local import aws
from app.local.environment import deployed
from app.local.mode import LocalError
from app.local.paths import Paths
from app.local.provision import DEAD_LETTERS, provision
from tests.conftest import EMULATOR_PYTHON
from tests.local.emulating import TABLE, Env, Running, running


@contextmanager
def earlier_version(env: Env) -> Iterator[dict[str, str]]:
    """ministack alone, which saves its whole state when it is ended in order, as earlier versions ran it."""
    made, folder = deployed(env), Paths.of(env).emulator
    folder.mkdir(parents=True)
    process = subprocess.Popen(
        [str(EMULATOR_PYTHON), "-I", "-m", "ministack"],
        env={
            "PATH": os.environ["PATH"],
            "EDGE_PORT": made["AWS_PORT"],
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "SERVICES": "dynamodb,s3,sns,sqs",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(folder / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(folder / "s3"),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": "tcp://127.0.0.1:9",
            "TMPDIR": str(folder),
            "LOG_LEVEL": "ERROR",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(made["AWS_ENDPOINT_URL"])
        yield made
    finally:
        process.terminate()
        process.wait(20)


def _await(url: str) -> None:
    for _ in range(400):
        try:
            httpx.get(f"{url}/_ministack/health", timeout=1)
        except httpx.TransportError:
            threading.Event().wait(0.05)
        else:
            return
    pytest.fail("ministack did not answer")


@pytest.fixture
def saved(env: Env) -> Env:
    """An installation of an earlier version, ended in order."""
    with earlier_version(env) as made:
        provision(made)
        tables: Any = aws.client("dynamodb", made)
        tables.create_table(TableName="one", **TABLE)
        tables.put_item(TableName="one", Item={"p": {"S": "a"}, "s": {"N": "1"}, "g": {"S": "x"}})
        aws.client("s3", made).put_object(Bucket=made["CONTENT_BUCKET"], Key="content/a/1", Body=b"content")
        queues: Any = aws.client("sqs", made)
        url = queues.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
        queues.send_message(QueueUrl=url, MessageBody="it failed three times")
    return env


def test_it_is_taken_over_once(saved: Env) -> None:
    folder = Paths.of(saved).emulator
    Paths.of(saved).heartbeat.touch()
    os.utime(Paths.of(saved).heartbeat, (1, 1))  # the worker ends before the emulator
    with running(saved) as first:
        provision(first.env)
        assert first.items("one") == [{"p": {"S": "a"}, "s": {"N": "1"}, "g": {"S": "x"}}]
        first.tables.delete_item(TableName="one", Key={"p": {"S": "a"}, "s": {"N": "1"}})
        first.kill()
    assert not (folder / "state").exists()
    assert (folder / "state.taken-over" / "dynamodb.json").exists()
    with running(saved) as second:
        provision(second.env)
        assert second.items("one") == []
        found = second.objects.get_object(Bucket=second.env["CONTENT_BUCKET"], Key="content/a/1")
        assert found["Body"].read() == b"content"
        url = second.queues.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
        [message] = second.queues.receive_message(QueueUrl=url)["Messages"]
        assert message["Body"] == "it failed three times"


def test_what_may_be_older_than_what_was_sent_is_not_sent_again(saved: Env) -> None:
    Paths.of(saved).heartbeat.touch()  # the worker was alive after the state was saved: then came a kill
    with pytest.raises(LocalError, match="some may have been sent since, and would be sent again; delete that folder"):
        Running(saved)
    assert (Paths.of(saved).emulator / "state" / "dynamodb.json").exists()


def test_a_torn_state_is_not_silently_dropped(saved: Env) -> None:
    path: Path = Paths.of(saved).emulator / "state" / "dynamodb.json"
    path.write_text(path.read_text()[:-10])
    with pytest.raises(LocalError, match=r"dynamodb\.json cannot be read: move it away to begin without"):
        Running(saved)
