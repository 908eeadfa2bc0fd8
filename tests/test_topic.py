"""Publishing: ids only, and a topic that takes nothing is Unavailable."""

import json

import pytest
from botocore.exceptions import ParamValidationError

from app.errors import ServiceUnavailable
from app.topic import Topic
from tests.support.aws import Aws, client


def test_a_message_carries_ids_only(aws: Aws) -> None:
    queue = aws.queue()
    queue.topic.publish("eml_1", 3)
    (record,) = queue.records()
    assert json.loads(json.loads(record["Body"])["Message"]) == {"email_id": "eml_1", "attempt": 3}


def test_messages_are_handed_on_as_they_are_published(aws: Aws) -> None:
    queue, other = aws.queue(), aws.queue()
    for number in (1, 2, 3):
        queue.topic.publish("eml_1", number)
    assert queue.published() == [("eml_1", 1), ("eml_1", 2), ("eml_1", 3)]
    assert other.published() == []


def test_a_topic_that_does_not_exist_is_unavailable(aws: Aws) -> None:
    with pytest.raises(ServiceUnavailable, match="NotFound"):
        Topic(aws.sns, "arn:aws:sns:us-east-1:000000000000:nowhere").publish("eml_1", 1)


def test_an_sns_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(ServiceUnavailable, match="EndpointConnectionError"):
        Topic(client("http://127.0.0.1:9", "sns"), "arn:aws:sns:us-east-1:000000000000:attempts").publish("eml_1", 1)


def test_a_mistake_of_ours_is_told_too(aws: Aws) -> None:
    with pytest.raises(ServiceUnavailable) as told:
        Topic(aws.sns, None).publish("eml_1", 1)  # type: ignore[arg-type] # because that is the mistake
    assert isinstance(told.value.__cause__, ParamValidationError)
