"""Publishing: ids only, and a topic that takes nothing is Unavailable."""

import json
from typing import Any
from uuid import uuid4

import botocore.session
import pytest
from botocore.config import Config

from app.domain.lane import PLACEHOLDER, Lane
from app.errors import ServiceUnavailable
from app.topic import DelayQueue, Topic
from tests.support.aws import Aws, client
from tests.support.clock import Clock
from tests.support.troubled_server import Trouble, troubled_server


def test_a_message_carries_ids_only(aws: Aws) -> None:
    queue = aws.queue()
    queue.topic.publish("eml_1", 3, Lane.NORMAL)
    (record,) = queue.records()
    assert json.loads(json.loads(record["Body"])["Message"]) == {"email_id": "eml_1", "attempt": 3, "lane": "normal"}


def test_messages_are_handed_on_as_they_are_published(aws: Aws) -> None:
    queue, other = aws.queue(), aws.queue()
    for number in (1, 2, 3):
        queue.topic.publish("eml_1", number, Lane.NORMAL)
    assert queue.published() == [("eml_1", 1), ("eml_1", 2), ("eml_1", 3)]
    assert other.published() == []


def test_a_topic_that_does_not_exist_is_unavailable(aws: Aws) -> None:
    with pytest.raises(ServiceUnavailable, match="NotFound"):
        Topic(aws.sns, "arn:aws:sns:us-east-1:000000000000:nowhere").publish("eml_1", 1, Lane.NORMAL)


def test_an_sns_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(ServiceUnavailable, match="EndpointConnectionError"):
        Topic(client("http://127.0.0.1:9", "sns"), "arn:aws:sns:us-east-1:000000000000:attempts").publish(
            "eml_1", 1, Lane.NORMAL
        )


@pytest.mark.parametrize("trouble", Trouble)
def test_an_sns_whose_answer_cannot_be_read_is_unavailable(trouble: Trouble) -> None:
    short = Config(read_timeout=0.05, retries={"max_attempts": 0})
    with troubled_server(trouble) as url:
        sns: Any = botocore.session.get_session().create_client("sns", "us-east-1", endpoint_url=url, config=short)
        with pytest.raises(ServiceUnavailable):
            Topic(sns, "arn:aws:sns:us-east-1:000000000000:attempts").publish("eml_1", 1, Lane.NORMAL)


def test_a_mistake_of_ours_is_told_too(aws: Aws) -> None:
    with pytest.raises(ServiceUnavailable) as told:
        Topic(aws.sns, None).publish("eml_1", 1, Lane.NORMAL)  # type: ignore[arg-type] # because that is the mistake
    assert isinstance(told.value.__cause__, AttributeError)


def test_many_are_published_ten_at_a_time(aws: Aws) -> None:
    queue, sizes = aws.queue(), list[int]()

    class Counting:
        def publish_batch(self, **arguments: Any) -> Any:
            sizes.append(len(arguments["PublishBatchRequestEntries"]))
            return aws.sns.publish_batch(**arguments)

    many = [(f"eml_{number}", number, Lane.NORMAL) for number in range(1, 24)]
    assert Topic(Counting(), queue.topic.arn).publish_many(many) == []  # type: ignore[arg-type] # because it publishes none alone
    assert sizes == [10, 10, 3]
    assert queue.published() == [one[:2] for one in many]
    assert queue.topic.publish_many([]) == []


def test_of_many_those_that_the_topic_refuses_are_told_and_the_others_are_published(aws: Aws) -> None:
    """SNS answers 200 for the call, and names what failed."""
    queue = aws.queue()

    class Refusing:
        def publish_batch(self, **arguments: Any) -> Any:
            taken = [entry for entry in arguments["PublishBatchRequestEntries"] if "eml_2" not in entry["Message"]]
            answer = aws.sns.publish_batch(**arguments | {"PublishBatchRequestEntries": taken})
            return answer | {"Failed": [{"Id": "1", "Code": "InternalError", "SenderFault": False}]}

    topic = Topic(Refusing(), queue.topic.arn)  # type: ignore[arg-type] # because it publishes none alone
    ((refused, reason),) = topic.publish_many([(f"eml_{n}", n, Lane.NORMAL) for n in (1, 2, 5)])
    assert (refused, "InternalError" in reason) == ("eml_2", True)
    assert queue.published() == [("eml_1", 1), ("eml_5", 5)]


def test_a_call_that_fails_keeps_the_other_tens_from_nothing(aws: Aws) -> None:
    queue, calls = aws.queue(), list[int]()

    class Failing:
        def publish_batch(self, **arguments: Any) -> Any:
            calls.append(1)
            if len(calls) == 1:
                raise ConnectionError
            return aws.sns.publish_batch(**arguments)

    many = [(f"eml_{number}", 1, Lane.NORMAL) for number in range(15)]
    refused = Topic(Failing(), queue.topic.arn).publish_many(many)  # type: ignore[arg-type] # because it publishes none alone
    assert [email_id for email_id, _ in refused] == [email_id for email_id, *_ in many[:10]]
    assert "ConnectionError" in refused[0][1]
    assert queue.published() == [one[:2] for one in many[10:]]


@pytest.mark.parametrize(
    "answer",
    [
        {"Successful": [{"Id": "0"}]},
        {"Successful": [{"Id": "0"}], "Failed": None},
        {"Successful": [{"Id": "0"}], "Failed": [{"Id": "7", "Code": "InternalError"}, {}]},
        {"Successful": [{"Id": "0"}, {"Id": "x"}], "Failed": [{"Id": "1"}]},
    ],
)
def test_what_is_not_said_to_be_taken_is_refused(answer: dict[str, Any]) -> None:
    class Answering:
        def publish_batch(self, **_: Any) -> Any:
            return answer

    topic = Topic(Answering(), "arn:of:a:topic")  # type: ignore[arg-type] # because it publishes none alone
    assert [email_id for email_id, _ in topic.publish_many([("eml_1", 1, Lane.NORMAL), ("eml_2", 1, Lane.NORMAL)])] == [
        "eml_2"
    ]


def test_each_lane_has_its_topic_and_the_urgent_one_comes_first(aws: Aws) -> None:
    start = f"lanes-{uuid4().hex[:8]}"
    made = {lane: aws.sns.create_topic(Name=f"{start}-{lane}")["TopicArn"] for lane in Lane}
    called: list[str] = []

    class Watched:
        def publish(self, **arguments: Any) -> None:
            called.append(arguments["TopicArn"])

        def publish_batch(self, **arguments: Any) -> Any:
            called.append(arguments["TopicArn"])
            entries = arguments["PublishBatchRequestEntries"]
            assert {json.loads(entry["Message"])["lane"] for entry in entries} == {called[-1].rpartition("-")[2]}
            return aws.sns.publish_batch(**arguments)

    topic = Topic(Watched(), made[Lane.BULK].replace("bulk", PLACEHOLDER))
    asked = [(f"eml_{n}", 1, lane) for n, lane in enumerate([Lane.BULK, Lane.NORMAL, Lane.URGENT] * 4)]
    assert topic.publish_many([*asked, *((f"eml_{n}", 1, Lane.BULK) for n in range(12, 20))]) == []
    assert called == [made[Lane.URGENT], made[Lane.NORMAL], made[Lane.BULK], made[Lane.BULK]]
    for lane in Lane:
        topic.publish("eml_1", 1, lane)
    assert called[4:] == list(made.values())


def test_each_lane_has_its_delay_queue(aws: Aws) -> None:
    start = f"later-{uuid4().hex[:8]}"
    urls = {lane: aws.sqs.create_queue(QueueName=f"{start}-{lane}")["QueueUrl"] for lane in Lane}
    later = DelayQueue(lambda: aws.sqs, urls[Lane.BULK].replace("bulk", PLACEHOLDER), Clock())
    for lane in Lane:
        later.publish("eml_1", 1, 0, lane)
    for lane, url in urls.items():
        (message,) = aws.sqs.receive_message(QueueUrl=url)["Messages"]
        assert json.loads(message["Body"])["lane"] == lane


@pytest.fixture
def later(aws: Aws) -> str:
    """The URL of a queue with nothing in it."""
    url: str = aws.sqs.create_queue(QueueName=f"later-{uuid4().hex}")["QueueUrl"]
    return url


def test_a_message_for_later_says_when_and_is_hidden_until_then(aws: Aws, later: str) -> None:
    clock = Clock()
    DelayQueue(lambda: aws.sqs, later, clock).publish("eml_1", 3, clock.now_ms + 60_000, Lane.BULK)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
    found = aws.sqs.get_queue_attributes(QueueUrl=later, AttributeNames=names)["Attributes"]
    assert [found[name] for name in names] == ["0", "1"]
    DelayQueue(lambda: aws.sqs, later, clock).publish("eml_1", 3, clock.now_ms, Lane.BULK)
    (message,) = aws.sqs.receive_message(QueueUrl=later)["Messages"]
    assert json.loads(message["Body"]) == {
        "email_id": "eml_1",
        "attempt": 3,
        "lane": "bulk",
        "at_ms": clock.now_ms,
    }


@pytest.mark.parametrize(
    ("ahead_ms", "delay_s"), [(-5000, 0), (0, 0), (1, 1), (1000, 1), (1001, 2), (900_000, 900), (3_600_000, 900)]
)
def test_it_is_delayed_by_whole_seconds_and_a_quarter_of_an_hour_at_most(ahead_ms: int, delay_s: int) -> None:
    sent: list[dict[str, Any]] = []

    class Sent:
        def send_message(self, **arguments: Any) -> None:
            sent.append(arguments)

    clock = Clock()
    DelayQueue(Sent, "url", clock).publish("eml_1", 1, clock.now_ms + ahead_ms, Lane.NORMAL)
    assert sent[0]["DelaySeconds"] == delay_s


def test_a_delay_queue_that_does_not_exist_is_unavailable(aws: Aws) -> None:
    with pytest.raises(ServiceUnavailable, match="delay queue"):
        DelayQueue(lambda: aws.sqs, f"{aws.endpoint_url}/000000000000/nowhere", Clock()).publish(
            "eml_1", 1, 0, Lane.NORMAL
        )
