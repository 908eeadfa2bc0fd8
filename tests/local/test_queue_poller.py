import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.local import aws, queue_poller
from app.local.environment import deployed
from app.local.invocation import Context, LambdaEvent
from app.local.provision import DEAD_LETTERS, QUEUE, provision
from app.topic import DelayQueue

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
def feeding(env: Env, handler: queue_poller.Handler, beat: Callable[[], None] = lambda: None) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=queue_poller.QueuePoller(env, handler).run, args=(stop, beat))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def publish(env: Env, text: str) -> None:
    aws.client("sns", env).publish(TopicArn=env["TOPIC_ARN"], Message=text)


def lying_in(env: Env, name: str) -> int:
    """How many messages a queue holds, hidden ones too."""
    sqs = aws.client("sqs", env)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return sum(int(n) for n in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())


def test_a_message_with_a_delay_comes_when_that_is_over(queue: Env, eventually: Eventually) -> None:
    """What the product publishes for later goes to the worker's own queue, whose URL the environment tells."""
    assert queue["DELAY_QUEUE_URL"].endswith(f"/{QUEUE}")
    sqs, seen = aws.client("sqs", queue), []
    later = DelayQueue(lambda: sqs, sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"], time.time)
    at_ms = int(time.time() * 1000) + 1500
    with feeding(queue, lambda event, _: seen.append((event, time.time()))):
        later.publish("eml_1", 2, at_ms)
        eventually(lambda: bool(seen))
    [(event, came_s)] = seen
    assert came_s * 1000 >= at_ms
    assert json.loads(event["Records"][0]["body"]) == {"email_id": "eml_1", "attempt": 2, "at_ms": at_ms}


def test_a_message_comes_in_lambdas_shape_and_is_done(queue: Env, eventually: Eventually) -> None:
    seen: list[tuple[LambdaEvent, Context]] = []
    with feeding(queue, lambda event, context: seen.append((event, context))):
        publish(queue, "hello")
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
    assert '"Message": "hello"' in record["body"]
    assert 0 < context.get_remaining_time_in_millis() <= 20_000
    assert context.invoked_function_arn.endswith(":function:attempts")
    assert lying_in(queue, DEAD_LETTERS) == 0


def test_a_failing_message_is_tried_three_times_then_dead(queue: Env, eventually: Eventually) -> None:
    tries: dict[str, list[str]] = {"raises": [], "is named": []}

    def fail(event: LambdaEvent, _: Context) -> dict[str, Any]:
        [record] = event["Records"]
        way = json.loads(record["body"])["Message"]
        tries[way].append(record["attributes"]["ApproximateReceiveCount"])
        if way == "raises":
            raise RuntimeError("no")
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}

    with feeding(queue, fail):
        for way in tries:
            publish(queue, way)
        eventually(lambda: lying_in(queue, DEAD_LETTERS) == 2)
    assert tries == {"raises": ["1", "2", "3"], "is named": ["1", "2", "3"]}
    assert lying_in(queue, QUEUE) == 0


def test_a_message_that_fails_once_is_delivered_again(queue: Env, eventually: Eventually) -> None:
    outcomes = iter([RuntimeError("not yet"), None])
    tries: list[LambdaEvent] = []

    def fail_once(event: LambdaEvent, _: Context) -> None:
        tries.append(event)
        error = next(outcomes)
        if error:
            raise error

    with feeding(queue, fail_once):
        publish(queue, "again")
        eventually(lambda: len(tries) == 2)
        eventually(lambda: lying_in(queue, QUEUE) == 0)
    assert lying_in(queue, DEAD_LETTERS) == 0


def test_messages_are_handled_side_by_side(queue: Env, eventually: Eventually) -> None:
    together = threading.Barrier(queue_poller.CONCURRENCY)
    handled: list[int] = []
    with feeding(queue, lambda _event, _context: handled.append(together.wait(50))):
        for number in range(queue_poller.CONCURRENCY):
            publish(queue, str(number))
        eventually(lambda: len(handled) == queue_poller.CONCURRENCY)


def test_a_message_that_cannot_be_settled_does_not_block_the_next(queue: Env, eventually: Eventually) -> None:
    sqs = aws.client("sqs", queue)
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    handled: list[LambdaEvent] = []

    def delete_it(event: LambdaEvent, _: Context) -> None:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=event["Records"][0]["receiptHandle"])
        handled.append(event)

    with feeding(queue, delete_it):
        for number in range(queue_poller.CONCURRENCY + 1):
            publish(queue, str(number))
        eventually(lambda: len(handled) == queue_poller.CONCURRENCY + 1)


def test_stopping_waits_for_the_handler(queue: Env, eventually: Eventually) -> None:
    entered, leave, ended = threading.Event(), threading.Event(), threading.Event()

    def linger(_event: LambdaEvent, _context: Context) -> None:
        entered.set()
        assert leave.wait(10)
        ended.set()

    stop = threading.Event()
    thread = threading.Thread(target=queue_poller.QueuePoller(queue, linger).run, args=(stop, lambda: None))
    thread.start()
    publish(queue, "slow")
    assert entered.wait(10)
    stop.set()
    assert thread.is_alive()
    assert not ended.is_set()
    leave.set()
    thread.join()
    assert ended.is_set()
    assert lying_in(queue, QUEUE) == 0


def test_an_emulator_that_is_away_does_not_end_the_feed(queue: Env, eventually: Eventually) -> None:
    beats: list[None] = []
    run = queue_poller.QueuePoller(queue, lambda *_: None)
    run._sqs = aws.client("sqs", {**queue, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    stop = threading.Event()
    thread = threading.Thread(target=run.run, args=(stop, lambda: beats.append(None)))
    thread.start()
    eventually(lambda: len(beats) >= 2)
    stop.set()
    thread.join()


def test_a_failing_sweep_is_followed_by_the_next(eventually: Eventually) -> None:
    events: list[LambdaEvent] = []

    def sweep(event: LambdaEvent, _: Context) -> None:
        events.append(event)
        raise RuntimeError("no table")

    stop = threading.Event()
    thread = threading.Thread(target=queue_poller.tick, args=(sweep, stop, 0.01))
    thread.start()
    eventually(lambda: len(events) >= 3)
    stop.set()
    thread.join()
    assert events[0]["detail-type"] == "Scheduled Event"


def test_the_sweep_holds_back_while_the_worker_is_behind(eventually: Eventually) -> None:
    swept: list[None] = []
    asked: list[None] = []
    behind = threading.Event()
    behind.set()

    def is_behind() -> bool:
        asked.append(None)
        return behind.is_set()

    stop = threading.Event()
    thread = threading.Thread(target=queue_poller.tick, args=(lambda *_: swept.append(None), stop, 0.01, is_behind, 60))
    thread.start()
    eventually(lambda: len(asked) >= 3)
    assert swept == []
    behind.clear()
    eventually(lambda: len(swept) >= 2)
    behind.set()
    stop.set()
    thread.join()


def test_even_behind_it_sweeps_as_often_as_on_aws(eventually: Eventually) -> None:
    swept: list[None] = []
    stop = threading.Event()
    thread = threading.Thread(
        target=queue_poller.tick, args=(lambda *_: swept.append(None), stop, 0.01, lambda: True, 0.05)
    )
    thread.start()
    eventually(lambda: len(swept) >= 2)
    stop.set()
    thread.join()


def test_the_worker_is_behind_when_more_waits_than_it_handles_at_once(queue: Env) -> None:
    run = queue_poller.QueuePoller(queue, lambda *_: None)
    assert not run.is_behind()
    for number in range(queue_poller.CONCURRENCY + 1):
        publish(queue, str(number))
    assert run.is_behind()
    run._sqs = aws.client("sqs", {**queue, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert not run.is_behind()
