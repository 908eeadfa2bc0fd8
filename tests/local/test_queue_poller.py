import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.admin.dead_letters import asked_for
from app.domain.lane import Lane
from app.local import aws, queue_poller
from app.local.alarm import Alarm
from app.local.backlog import Backlog
from app.local.environment import deployed
from app.local.invocation import Context, LambdaEvent
from app.local.provision import DEAD_LETTERS, QUEUE, provision
from app.local.queue_poller import LocalQueue
from app.local.runner import CONCURRENCY, Handed, Handler, Runner
from app.topic import DelayQueue
from workers.attempts import lane_of, read

Env = dict[str, str]
Eventually = Callable[..., None]

ACCOUNTS = itertools.count(700_000_000_001)


@pytest.fixture
def queue(env: Env, aws_endpoint: str) -> Env:
    """A provisioned topic and queue, in an account of their own of the shared emulator."""
    account = str(next(ACCOUNTS))
    made = {
        **deployed(env),
        "AWS_ENDPOINT_URL": aws_endpoint,
        "AWS_ACCESS_KEY_ID": account,
        "CONTENT_BUCKET": f"content-{account}",
        "TOPIC_ARN": f"arn:aws:sns:us-east-1:{account}:attempts",
        "WORKER_TIMEOUT_S": "20",
    }
    provision(made)
    return made


@contextmanager
def feeding(env: Env, handler: Handler) -> Iterator[Backlog]:
    """Hand what comes through the queue, or through the backlog itself, to the handler."""
    stop, backlog = threading.Event(), Backlog(Alarm())
    runner = Runner(backlog, handler, 20)
    poller = threading.Thread(target=queue_poller.poll, args=(LocalQueue(env), backlog, stop, 0.05))

    def release() -> None:
        while not stop.wait(0.05):
            backlog.release(int(time.time() * 1000))

    releaser = threading.Thread(target=release)
    runner.start()
    poller.start()
    releaser.start()
    try:
        yield backlog
    finally:
        stop.set()
        backlog.close()
        for part in (runner, poller, releaser):
            part.join()


def publish(env: Env, text: str) -> None:
    aws.client("sns", env).publish(TopicArn=env["TOPIC_ARN"], Message=text)


def lying_in(env: Env, name: str) -> int:
    """How many messages a queue holds, hidden ones too."""
    sqs = aws.client("sqs", env)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return sum(int(n) for n in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())


def handed(env: Env, backlog: Backlog, email_id: str, attempt: int = 1) -> Handed:
    return Handed(email_id, attempt, 0, backlog, LocalQueue(env), Lane.BULK)


def test_a_message_with_a_delay_comes_when_that_is_over(queue: Env, eventually: Eventually) -> None:
    """What a process that hands nothing over publishes for later goes to the worker's own queue."""
    assert queue["DELAY_QUEUE_URL"].endswith(f"/{QUEUE}")
    sqs, seen = aws.client("sqs", queue), []
    later = DelayQueue(lambda: sqs, sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"], time.time)
    at_ms = int(time.time() * 1000) + 1500
    with feeding(queue, lambda event, _: seen.append((event, time.time()))):
        later.publish("eml_1", 2, at_ms, Lane.BULK)
        eventually(lambda: bool(seen))
    [(event, came_s)] = seen
    assert came_s * 1000 >= at_ms
    asked = json.loads(event["Records"][0]["body"])
    assert asked == {"email_id": "eml_1", "attempt": 2, "lane": "bulk", "at_ms": at_ms}


@pytest.mark.parametrize("is_handed", [False, True], ids=["from the queue", "handed over"])
def test_a_message_comes_in_lambdas_shape_and_is_done(queue: Env, eventually: Eventually, is_handed: bool) -> None:
    seen: list[tuple[LambdaEvent, Context]] = []
    with feeding(queue, lambda event, context: seen.append((event, context))) as backlog:
        if is_handed:
            backlog.put(handed(queue, backlog, "eml_1", 2))
        else:
            publish(queue, json.dumps({"email_id": "eml_1", "attempt": 2}))
        eventually(lambda: bool(seen))
        eventually(lambda: lying_in(queue, QUEUE) == 0)
    [(event, context)] = seen
    [record] = event["Records"]
    assert set(record) == {
        "messageId",
        "receiptHandle",
        "body",
        "attributes",
        "messageAttributes",
        "md5OfBody",
        "eventSource",
        "eventSourceARN",
        "awsRegion",
    }
    assert record["eventSource"] == "aws:sqs"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert abs(int(record["attributes"]["SentTimestamp"]) - time.time() * 1000) < 30_000
    assert read(record) == ("eml_1", 2)
    assert 0 < context.get_remaining_time_in_millis() <= 20_000
    assert context.invoked_function_arn.endswith(":function:attempts")
    assert lying_in(queue, DEAD_LETTERS) == 0


@pytest.mark.parametrize("is_handed", [False, True], ids=["from the queue", "handed over"])
def test_a_failing_message_is_tried_three_times_then_dead(queue: Env, eventually: Eventually, is_handed: bool) -> None:
    tries: dict[str, list[str]] = {"eml_raises": [], "eml_named": []}

    def fail(event: LambdaEvent, _: Context) -> dict[str, Any]:
        [record] = event["Records"]
        email_id, _number = read(record)
        tries[email_id].append(record["attributes"]["ApproximateReceiveCount"])
        if email_id == "eml_raises":
            raise RuntimeError("no")
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}

    with feeding(queue, fail) as backlog:
        for email_id in tries:
            if is_handed:
                backlog.put(handed(queue, backlog, email_id, 2))
            else:
                publish(queue, json.dumps({"email_id": email_id, "attempt": 2, "lane": "bulk"}))
        eventually(lambda: lying_in(queue, DEAD_LETTERS) == 2)
    assert tries == {"eml_raises": ["1", "2", "3"], "eml_named": ["1", "2", "3"]}
    assert lying_in(queue, QUEUE) == 0
    sqs = aws.client("sqs", queue)
    url = sqs.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert sorted(asked_for(dead["Body"]) for dead in found) == [
        [("eml_named", 2, Lane.BULK)],
        [("eml_raises", 2, Lane.BULK)],
    ]


@pytest.mark.parametrize("is_handed", [False, True], ids=["from the queue", "handed over"])
def test_a_message_that_fails_once_is_delivered_again(queue: Env, eventually: Eventually, is_handed: bool) -> None:
    outcomes = iter([RuntimeError("not yet"), None])
    tries: list[LambdaEvent] = []

    def fail_once(event: LambdaEvent, _: Context) -> None:
        tries.append(event)
        error = next(outcomes)
        if error:
            raise error

    with feeding(queue, fail_once) as backlog:
        if is_handed:
            backlog.put(handed(queue, backlog, "eml_1"))
        else:
            publish(queue, "again")
        eventually(lambda: len(tries) == 2)
        eventually(lambda: lying_in(queue, QUEUE) == 0)
    assert lying_in(queue, DEAD_LETTERS) == 0


def test_messages_are_handled_side_by_side(queue: Env, eventually: Eventually) -> None:
    together = threading.Barrier(CONCURRENCY)
    done: list[int] = []
    with feeding(queue, lambda _event, _context: done.append(together.wait(50))) as backlog:
        for number in range(CONCURRENCY // 2):
            backlog.put(handed(queue, backlog, f"eml_{number}"))
            publish(queue, str(number))
        eventually(lambda: len(done) == CONCURRENCY)


def test_a_message_that_cannot_be_settled_does_not_block_the_next(queue: Env, eventually: Eventually) -> None:
    sqs = aws.client("sqs", queue)
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    done: list[LambdaEvent] = []

    def delete_it(event: LambdaEvent, _: Context) -> None:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=event["Records"][0]["receiptHandle"])
        done.append(event)

    with feeding(queue, delete_it):
        for number in range(CONCURRENCY + 1):
            publish(queue, str(number))
        eventually(lambda: len(done) == CONCURRENCY + 1)


def test_the_end_waits_for_the_handler(queue: Env) -> None:
    entered, leave, ended = threading.Event(), threading.Event(), threading.Event()

    def linger(_event: LambdaEvent, _context: Context) -> None:
        entered.set()
        assert leave.wait(60)
        ended.set()

    backlog = Backlog(Alarm())
    runner = Runner(backlog, linger, 20)
    runner.start()
    backlog.put(handed(queue, backlog, "eml_1"))
    assert entered.wait(60)
    backlog.close()
    joined = threading.Thread(target=runner.join)
    joined.start()
    assert not ended.is_set()
    leave.set()
    joined.join(60)
    assert ended.is_set()


def test_what_was_not_begun_is_left_to_the_next_worker(queue: Env, eventually: Eventually) -> None:
    wanted = [(f"eml_{number}", 3, Lane.URGENT) for number in range(queue_poller.BATCH + 1)]
    LocalQueue(queue).leave(wanted, within_s=30)
    assert lying_in(queue, QUEUE) == len(wanted)
    seen: list[tuple[str, int, Lane]] = []

    def see(event: LambdaEvent, _: Context) -> None:
        (record,) = event["Records"]
        seen.append((*read(record), lane_of(record)))

    with feeding(queue, see):
        eventually(lambda: len(seen) == len(wanted))
    assert sorted(seen) == sorted(wanted)
    LocalQueue(queue).leave(wanted, within_s=-1)
    assert lying_in(queue, QUEUE) == 0  # there was no time


def test_an_emulator_that_is_away_ends_nothing(queue: Env, caplog: pytest.LogCaptureFixture) -> None:
    away = LocalQueue(queue)
    away._sqs = aws.client("sqs", {**queue, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert away.receive() is None
    away.leave([("eml_1", 1, Lane.BULK)], within_s=30)
    away.bury("eml_1", 1, Lane.BULK)
    message = {"MessageId": "1", "ReceiptHandle": "1", "Attributes": {"ApproximateReceiveCount": "1"}}
    away.delete(message)
    away.put_back(message)
    assert len([one for one in caplog.records if one.name == "app.local.queue_poller" and not one.exc_info]) == 5
