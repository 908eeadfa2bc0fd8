"""The stream of a table outlives the emulator, and ends where its reader has passed it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.local import aws, emulator
from app.local.aws_emulator.streams import STREAM_PATH
from tests.local.emulating import Env, Running, needs_limits, running
from tests.local.streamed import EMAILS, SHAPE, item, put


def read(at: Running, kind: str = "TRIM_HORIZON", **where: str) -> list[dict[str, Any]]:
    """The records of the stream from there on."""
    streams = aws.client("dynamodbstreams", at.env)
    arn = at.tables.describe_table(TableName=EMAILS)["Table"]["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType=kind, **where)[
        "ShardIterator"
    ]
    records: list[dict[str, Any]] = streams.get_records(ShardIterator=iterator)["Records"]
    return records


def versions(records: list[dict[str, Any]]) -> list[tuple[str, int | None, int]]:
    """The kind of each change, the version before it, and the one after."""
    return [
        (
            record["eventName"],
            int(old["version"]["N"]) if (old := record["dynamodb"].get("OldImage")) else None,
            int(record["dynamodb"]["NewImage"]["version"]["N"]),
        )
        for record in records
    ]


def number(record: dict[str, Any]) -> str:
    found: str = record["dynamodb"]["SequenceNumber"]
    return found


def passed(at: Running, until: str = "0", **more: str) -> dict[str, Any]:
    answer = httpx.post(f"{at.env['AWS_ENDPOINT_URL']}{STREAM_PATH}", params={"table": EMAILS, "until": until, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def started(env: Env) -> Iterator[Running]:
    with running(env) as at:
        at.tables.create_table(**SHAPE)
        yield at


def test_what_nobody_has_read_is_there_after_kill_9(env: Env, started: Running) -> None:
    put(started, item("a", 1), item("a", 2), item("b", 1))
    before = read(started)
    started.kill()
    with running(env) as again:
        assert read(again) == before
        put(again, item("b", 2))
        assert versions(read(again)) == [("INSERT", None, 1), ("MODIFY", 1, 2), ("INSERT", None, 1), ("MODIFY", 1, 2)]
        # A reader goes on behind the number that it knows, which is still the same.
        assert versions(read(again, "AFTER_SEQUENCE_NUMBER", SequenceNumber=number(before[-1]))) == [("MODIFY", 1, 2)]


def test_what_was_passed_is_gone_and_no_number_comes_twice(env: Env, started: Running) -> None:
    put(started, item("a", 1), item("a", 2), item("a", 3))
    first, second, third = read(started)
    assert passed(started, number(second))["left"] == 1
    assert read(started) == [third]
    started.kill()
    with running(env) as again:
        assert read(again) == [third]
        assert passed(again, number(third))["left"] == 0
        assert passed(again, number(first))["left"] == 0  # said again, or late
        again.kill()
    with running(env) as last:
        put(last, item("a", 4))
        [fourth] = read(last)
        assert number(fourth) > number(third)


def test_only_what_the_mapping_asks_for_is_kept(started: Running) -> None:
    put(started, item("a", 1, "content"), item("a", 1), item("a", 1, "event#1"), item("a", 2, "event#1"))
    put(started, item("a", 1))  # changes nothing
    started.tables.delete_item(TableName=EMAILS, Key={"email_id": {"S": "a"}, "part": {"S": "email"}})
    parts = [record["dynamodb"]["Keys"]["part"]["S"] for record in read(started)]
    assert parts == ["email", "event#1"]


@needs_limits
def test_what_is_taken_back_was_never_told(started: Running) -> None:
    put(started, item("a", 1))
    started.leave_room(4096)
    for refused in (item("a", 2), item("a", 2, lease_until={"N": "1"})):  # the second waits for the disk
        with pytest.raises(started.tables.exceptions.InternalServerError):
            put(started, refused)
    started.leave_room(None)
    put(started, item("a", 3))
    assert versions(read(started)) == [("INSERT", None, 1), ("MODIFY", 1, 3)]


@needs_limits
def test_what_cannot_be_kept_is_not_passed(started: Running) -> None:
    put(started, item("a", 1))
    started.leave_room(4096)
    answer = httpx.post(f"{started.env['AWS_ENDPOINT_URL']}{STREAM_PATH}", params={"table": EMAILS, "until": "1"})
    assert answer.status_code == 503
    assert len(read(started)) == 1


def test_a_transaction_tells_all_or_nothing(started: Running) -> None:
    puts = [{"Put": {"TableName": EMAILS, "Item": item(name, 1)}} for name in ("a", "b")]
    refused = {
        "Put": {
            "TableName": EMAILS,
            "Item": item("c", 1),
            "ConditionExpression": "attribute_exists(email_id)",
        }
    }
    with pytest.raises(started.tables.exceptions.TransactionCanceledException):
        started.tables.transact_write_items(TransactItems=[*puts, refused])
    assert not read(started)
    started.tables.transact_write_items(TransactItems=puts)
    assert versions(read(started)) == [("INSERT", None, 1)] * 2


def test_a_stream_that_is_made_anew_begins_anew(env: Env, started: Running) -> None:
    put(started, item("a", 1))
    started.tables.delete_table(TableName=EMAILS)
    started.tables.create_table(**SHAPE)
    assert not read(started)
    started.kill()
    with running(env) as again:
        assert not read(again)
        put(again, item("b", 1))
        assert versions(read(again)) == [("INSERT", None, 1)]


def test_nobody_reads_and_it_ends_at_its_bound(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "STREAM_KEPT", 3)
    with running(env) as at:
        at.tables.create_table(**SHAPE)
        put(at, *(item("a", version) for version in range(1, 7)))
        first = read(at)
        assert versions(first) == [("INSERT", None, 1), ("MODIFY", 1, 2), ("MODIFY", 2, 3)]
        full_since_ms = passed(at)["full_since_ms"]
        at.kill()
    with running(env) as again:
        assert passed(again, number(first[0]), resume="1")["full_since_ms"] == full_since_ms  # two are left
        put(again, item("a", 7))
        assert len(read(again)) == 2  # without a gap, so nothing more
        stand = passed(again, number(first[-1]), resume="1")
        assert (stand["full_since_ms"], stand["heal_from_ms"]) == (None, full_since_ms)
        assert stand["heal_until_ms"] > full_since_ms
        put(again, item("a", 8))
        assert versions(read(again)) == [("MODIFY", 7, 8)]
        again.kill()
    with running(env) as last:
        assert passed(last)["heal_from_ms"] == full_since_ms
        assert passed(last, healed="1")["heal_from_ms"] is None
