"""What Lambda reads for a function, on the emulator; and what a stream's filter lets through."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from app.domain.lane import Lane
from app.store.events import EventItem
from app.store.head_items import PART
from infra import mappings, versions
from infra.cloudformation import StackError
from infra.stages import Stage
from infra.versions import ALIAS
from tests.infra.lambda_functions import make
from tests.support.aws import Aws, client

STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
DEAD_LETTERS = "arn:aws:sqs:us-east-1:000000000000:dead"


class Account:
    """Lambda and DynamoDB of the emulator, and an environment of its own."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.environment = aws, f"x{uuid4().hex[:8]}"
        self.functions, self.dynamodb = (client(aws.endpoint_url, name) for name in ("lambda", "dynamodb"))

    def stage(self, door: str) -> Stage:
        stage = Stage(self.environment, door)
        make(self.functions, stage)
        versions.require_alias(self.functions, stage.function)
        return stage

    def queue(self) -> str:
        url = self.aws.sqs.create_queue(QueueName=f"q{uuid4().hex}")["QueueUrl"]
        found = self.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(found["Attributes"]["QueueArn"])

    def table(self, prefix: str) -> str:
        """Make a table of emails with a stream; the ARN of that."""
        name = f"{self.environment}-{prefix}"
        self.dynamodb.create_table(
            TableName=f"{name}emails",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in ("email_id", "part")],
            KeySchema=[
                {"AttributeName": "email_id", "KeyType": "HASH"},
                {"AttributeName": "part", "KeyType": "RANGE"},
            ],
            StreamSpecification=STREAM,
        )
        return mappings.stream_of(self.dynamodb, name)

    def of(self, **source: str) -> list[dict[str, Any]]:
        return list(self.functions.list_event_source_mappings(**source)["EventSourceMappings"])


@pytest.fixture
def account(aws: Aws) -> Iterator[Account]:
    account = Account(aws)
    yield account
    for found in account.of():
        if account.environment in found["FunctionArn"]:
            account.functions.delete_event_source_mapping(UUID=found["UUID"])
    for table in account.dynamodb.list_tables()["TableNames"]:
        if table.startswith(account.environment):
            account.dynamodb.delete_table(TableName=table)


def test_a_queue_is_polled_by_one_mapping_of_the_alias_and_until_it_is_stopped(account: Account) -> None:
    stage, arn = account.stage("attempts_bulk"), account.queue()
    account.functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=stage.function)  # of no alias
    for _ in range(2):
        mappings.poll(account.functions, stage, arn, mappings.LANE)
    (mapping,) = account.of(EventSourceArn=arn)
    assert (mapping["BatchSize"], mapping["FunctionArn"].split(":")[-2:]) == (1, [stage.function, ALIAS])
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    mappings.stop(account.functions, arn)
    assert account.of(EventSourceArn=arn) == []


def test_what_is_changed_here_is_changed_in_the_mapping_that_there_is(account: Account) -> None:
    stage, arn = account.stage("deliveries"), account.queue()
    mappings.poll(account.functions, stage, arn, {**mappings.NOTIFICATIONS, "BatchSize": 10})
    mappings.poll(account.functions, stage, arn, mappings.NOTIFICATIONS)
    (mapping,) = account.of(EventSourceArn=arn)
    assert {name: mapping[name] for name in mappings.NOTIFICATIONS} == mappings.NOTIFICATIONS


def test_the_stream_is_read_from_its_beginning_and_what_is_given_up_is_kept(account: Account) -> None:
    stage, arn = account.stage("changes"), account.table("")
    for _ in range(2):
        mappings.follow(account.functions, stage, arn, DEAD_LETTERS)
    (mapping,) = account.of(EventSourceArn=arn)
    wanted = {
        **mappings.STREAM,
        "StartingPosition": "TRIM_HORIZON",
        "DestinationConfig": {"OnFailure": {"Destination": DEAD_LETTERS}},
    }
    assert {name: mapping[name] for name in wanted} == wanted
    assert mapping["FunctionArn"].split(":")[-2:] == [stage.function, ALIAS]
    assert 60 <= mapping["MaximumRecordAgeInSeconds"] < 24 * 3600, "the stream keeps no record for longer"


def test_after_tables_were_restored_the_new_stream_is_read_and_the_old_one_no_more(account: Account) -> None:
    stage, old, new = account.stage("changes"), account.table(""), account.table("r1-")
    for arn in (old, new):
        mappings.follow(account.functions, stage, arn, DEAD_LETTERS)
    assert [one["EventSourceArn"] for one in account.of(FunctionName=f"{stage.function}:{ALIAS}")] == [new]


def test_a_table_without_a_stream_is_an_error(account: Account) -> None:
    stage = account.stage("changes")
    assert mappings.stream_of(account.dynamodb, f"{account.environment}-nowhere-") == ""
    with pytest.raises(StackError, match=rf"^the table of the emails of {account.environment} has no stream"):
        mappings.follow(account.functions, stage, "", DEAD_LETTERS)


def test_everything_that_is_read_is_stopped_with_the_environment() -> None:
    outputs = {f"{lane}DelayQueueArn": f"arn:later-{lane}" for lane in Lane} | {"NotificationsQueueArn": "arn:queue"}
    assert mappings.sources(outputs, "arn:stream") == [
        *(f"arn:later-{lane}" for lane in Lane),
        "arn:queue",
        "arn:stream",
    ]
    assert mappings.sources({}, "") == [], "of a stack that an earlier version made"


def record(part: str, *, name: str = "MODIFY") -> dict[str, Any]:
    """What a stream says of a write."""
    image = {"email_id": {"S": "eml_1"}, "part": {"S": part}}
    images = {"NewImage": image} if name != "REMOVE" else {}
    return {"eventName": name, "dynamodb": {"Keys": image, **images, "SequenceNumber": "1"}}


def matches(pattern: Any, value: Any) -> bool:
    """Lambda's rules for a filter, as far as these patterns go: a list has alternatives, all keys must match."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(matches(one, value.get(key)) for key, one in pattern.items())
    prefixes = tuple(one["prefix"] for one in pattern if isinstance(one, dict))
    return value in pattern or (isinstance(value, str) and value.startswith(prefixes or ("\0",)))


def test_the_filter_lets_heads_and_events_through_and_nothing_else() -> None:
    patterns = [json.loads(one["Pattern"]) for one in mappings.STREAM["FilterCriteria"]["Filters"]]
    told = [record(PART, name="INSERT"), record(PART), record("event#1700000000000#abc", name="INSERT")]
    not_told = [
        *(record(part, name="REMOVE") for part in (PART, "event#1700000000000#abc")),
        *(record(part) for part in ("content#1", "key", "newest", "partitions", "2026#eml_1")),
    ]
    assert all(any(matches(pattern, one) for pattern in patterns) for one in told)
    assert not any(matches(pattern, one) for pattern in patterns for one in not_told)
    assert all(set(pattern) == {"dynamodb"} for pattern in patterns), (
        "Lambda filters a stream of DynamoDB by nothing else"
    )
    assert EventItem.part.attr_name == "part"
