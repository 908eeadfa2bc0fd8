"""Binding the models to tables, and making the tables."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from pynamodb.exceptions import PutError

from app.domain.event import Nonce
from app.domain.shards import SHARDS
from app.store import tables
from app.store.content import ContentItem
from app.store.entries import EntryItem
from app.store.events import EventItem
from app.store.head_items import HeadItem
from app.store.heads import Heads
from app.store.nonces import Nonces
from app.store.ttl import as_ttl
from tests.support.aws import REGION, Aws, client
from tests.support.clock import Clock
from tests.support.samples import a_head


@pytest.fixture
def prefix(aws: Aws) -> Iterator[str]:
    """Tables of their own; the other tests' `store` binds its own again."""
    prefix = f"{uuid4().hex[:8]}-"
    tables.connect(prefix, REGION, aws.endpoint_url)
    tables.create_all()
    yield prefix
    HeadItem.Meta.table_name = ""


def test_every_model_is_bound_to_a_table_under_the_prefix(aws: Aws, prefix: str) -> None:
    names = client(aws.endpoint_url, "dynamodb").list_tables(Limit=100)["TableNames"]
    assert {prefix + name for name in tables.MODELS} <= set(names)
    assert HeadItem.Meta.table_name == prefix + "emails"


def test_tables_are_paid_on_demand_and_forget_by_ttl(aws: Aws, prefix: str) -> None:
    dynamodb = client(aws.endpoint_url, "dynamodb")
    for name in tables.MODELS:
        table = dynamodb.describe_table(TableName=prefix + name)["Table"]
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        ttl = dynamodb.describe_time_to_live(TableName=prefix + name)["TimeToLiveDescription"]
        assert (ttl["TimeToLiveStatus"], ttl.get("AttributeName")) == (
            ("DISABLED", None) if name in ("api-keys", "endpoints") else ("ENABLED", "ttl")
        )


def test_the_emails_have_a_stream_also_if_an_earlier_version_made_their_table(aws: Aws, prefix: str) -> None:
    dynamodb = client(aws.endpoint_url, "dynamodb")

    def streams() -> dict[str, dict[str, object]]:
        found = {name: dynamodb.describe_table(TableName=prefix + name)["Table"] for name in tables.MODELS}
        return {name: one["StreamSpecification"] for name, one in found.items() if "StreamSpecification" in one}

    wanted = {"emails": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
    assert streams() == wanted
    dynamodb.update_table(TableName=f"{prefix}emails", StreamSpecification={"StreamEnabled": False})
    tables.create_all()
    assert streams() == wanted
    before = dynamodb.describe_table(TableName=f"{prefix}emails")["Table"]["LatestStreamArn"]
    tables.create_all()
    assert dynamodb.describe_table(TableName=f"{prefix}emails")["Table"]["LatestStreamArn"] == before


def test_creating_again_loses_nothing(prefix: str) -> None:
    head = Heads().create(a_head(Clock().now_ms), Clock().now_ms)
    tables.create_all()
    assert head is not None
    assert Heads().get(head.email_id) == head


def test_all_models_share_one_connection(aws: Aws, prefix: str) -> None:
    connection = tables.connect(prefix, REGION, aws.endpoint_url)
    for models in tables.MODELS.values():
        for model in models:
            assert model._get_connection().connection is connection


def test_threads_that_come_first_at_once_share_one_client(aws: Aws, prefix: str) -> None:
    """A client is the dearest part of a cold start; PynamoDB would let each of these threads make one."""
    connection = tables.connect(prefix, REGION, aws.endpoint_url)
    barrier = Barrier(8)

    def client_of_this_thread(_: int) -> int:
        barrier.wait(60)
        return id(connection.client)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(client_of_this_thread, range(8)))) == 1


def test_items_of_one_email_stand_beside_each_other_and_only_heads_are_indexed(prefix: str) -> None:
    assert {model.Meta.table_name for model in (HeadItem, ContentItem, EventItem, EntryItem)} == {prefix + "emails"}
    now_ms = Clock().now_ms
    head = Heads().create(a_head(now_ms), now_ms)
    assert head is not None
    ContentItem(head.email_id, "content#a", ttl=as_ttl(head.ttl_s), packed=b"x").save()
    found = [email_id for shard in range(SHARDS) for _, email_id in Heads().created(f"default#{shard}", None)]
    assert found == [head.email_id]


def test_a_write_that_fails_for_another_reason_than_its_condition_is_an_error(aws: Aws) -> None:
    tables.connect("nowhere-", REGION, aws.endpoint_url)
    now_ms = Clock().now_ms
    try:
        with pytest.raises(PutError):
            Heads().create(a_head(now_ms), now_ms)
        with pytest.raises(PutError):
            Nonces(60).admit("mailgun", Nonce("token", "body"), now_ms / 1000)
    finally:
        HeadItem.Meta.table_name = ""


def test_tables_of_another_version_are_told(aws: Aws, prefix: str) -> None:
    assert tables.of_another_version() == []
    dynamodb = client(aws.endpoint_url, "dynamodb")
    dynamodb.delete_table(TableName=f"{prefix}emails")
    dynamodb.create_table(
        TableName=f"{prefix}emails",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "email_id", "KeyType": "HASH"}, {"AttributeName": "part", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("email_id", "part")],
    )
    assert tables.of_another_version() == [f"{prefix}emails"]
