"""A stream of the emulator's DynamoDB: what the stores write is read by GetRecords and told."""

import base64
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from app.domain.event import ProviderEvent
from app.domain.head import Status
from app.domain.kinds import Kind
from app.notify.notification import Notification
from app.settings import Settings
from app.store import tables
from app.store.change_feed import ChangeFeed, FeedPosition
from app.store.collapses import Collapses
from app.store.events import Events
from app.store.head_items import HeadItem
from app.store.heads import Heads
from app.wiring.changes import build_publish_changes
from tests.support.aws import REGION, Aws, client
from tests.support.clock import Clock
from tests.support.samples import a_head
from workers.changes import handle


@pytest.fixture
def stream(aws: Aws) -> str:
    """The name of a stream with both images, of a table of emails that is empty."""
    tables.connect("real-stream-", REGION, aws.endpoint_url)
    tables.create_all()
    dynamodb = client(aws.endpoint_url, "dynamodb")
    specification = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    dynamodb.update_table(TableName=HeadItem.Meta.table_name, StreamSpecification=specification)
    return str(dynamodb.describe_table(TableName=HeadItem.Meta.table_name)["Table"]["LatestStreamArn"])


def records(aws: Aws, arn: str) -> list[dict[str, Any]]:
    """Everything that the stream has, as Lambda passes it on."""
    streams = client(aws.endpoint_url, "dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    of = {"StreamArn": arn, "ShardId": shard["ShardId"]}
    iterator = streams.get_shard_iterator(**of, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    return [as_lambda_has_it(one) for one in streams.get_records(ShardIterator=iterator)["Records"]]


def as_lambda_has_it(record: Mapping[str, Any]) -> dict[str, Any]:
    """Of the JSON of DynamoDB, botocore has made dates and bytes."""
    change = {name: plain(value) for name, value in record["dynamodb"].items()}
    return {**record, "dynamodb": change}


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.timestamp() if hasattr(value, "timestamp") else value


def test_what_is_written_comes_out_of_the_stream_and_is_told(aws: Aws, stream: str) -> None:
    clock, published = Clock(), list[Notification]()
    clock.now_s = time.time()
    head = Heads().create(a_head(clock.now_ms, webhook_url="https://hooks.example.com/"), clock.now_ms)
    assert head is not None
    (key,) = head.recipients
    sent = {key: replace(head.recipients[key], status=Status.SENT)}
    head = Heads().update(replace(head, recipients=sent), clock.now_ms)
    assert head is not None
    event = ProviderEvent("ses", Kind.OPENED, head.email_id, 1, key, clock.now_ms, "event-1")
    for _ in range(2):
        Events().put([event], {head.email_id: head}, clock.now_ms)
    collapsing = Collapses().create(a_head(clock.now_ms, collapse_scope="scope"), clock.now_ms)
    assert collapsing is not None
    HeadItem(collapsing.email_id, "email").delete()

    def publish(some: Any) -> list[tuple[Notification, str]]:
        published.extend(some)
        return []

    tell = build_publish_changes(Settings.from_env({}), clock, publish)
    assert handle(tell, {"Records": records(aws, stream)}, None) == {"batchItemFailures": []}
    clock.advance(60)
    entries = ChangeFeed(clock, 4).read("default", FeedPosition.at(clock.now_ms - 3_600_000), 100).entries
    told = [(entry["data"]["email_id"], entry["type"]) for entry in entries]
    own = [(head.email_id, name) for name in ("email.queued", "email.sent", "email.opened")]
    assert [one for one in told if one[0] == head.email_id] == own
    assert sorted(told) == sorted([*own, (collapsing.email_id, "email.queued")])
    assert [(one.email_id, one.type) for one in published] == own
