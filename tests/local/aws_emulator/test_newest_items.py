"""Of the feed, the log of deliveries and what waits, a laptop keeps the newest only."""

from collections.abc import Callable
from typing import Any

from app.local import emulator
from app.local.aws_emulator.expiry import Newest
from tests.local.emulating import Env, Running, running

Eventually = Callable[..., None]
CHANGES = "emailsminder-changes"
SHAPE: dict[str, Any] = {
    "TableName": CHANGES,
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "partition", "AttributeType": "S"},
        {"AttributeName": "part", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "partition", "KeyType": "HASH"}, {"AttributeName": "part", "KeyType": "RANGE"}],
}
# In this order: a feed of two shards, what waits, a log, statistics.
PARTITIONS = ("default#020787#0", "default#020787#1", "waiting#3", "log#default#ep_1#020787", "stats#default#0")


def parts_of(at: Running, *partitions: str) -> list[str]:
    return sorted(item["part"]["S"] for item in at.items(CHANGES) if item["partition"]["S"] in partitions)


def test_the_newest_of_each_kind_are_kept(env: Env, eventually: Eventually) -> None:
    with running({**env, "KEEP_EMAILS": "2"}, expiry_s=0.2) as at:
        at.tables.create_table(**SHAPE)
        names = [f"{1_796_000_000_000 + number}#x" for number in range(20)]
        for number, name in enumerate(reversed(names)):  # the order in which they came does not matter
            for partition in (PARTITIONS[number % 2], *PARTITIONS[2:4]):
                at.tables.put_item(TableName=CHANGES, Item={"partition": {"S": partition}, "part": {"S": name}})
        for hour in range(20):
            key = {"partition": {"S": PARTITIONS[4]}, "part": {"S": f"{hour:09d}"}}
            at.tables.put_item(TableName=CHANGES, Item=key)
        feed, waiting, log = (2 * times for times in (5, 2, 1))
        assert sorted(emulator.CHANGES_KEPT.values()) == [1, 2, 5]
        eventually(lambda: parts_of(at, PARTITIONS[2]) == names[-waiting:])
        eventually(lambda: parts_of(at, PARTITIONS[3]) == names[-log:])
        eventually(lambda: parts_of(at, *PARTITIONS[:2]) == names[-feed:])
        assert len(parts_of(at, PARTITIONS[4])) == 20


def test_partitions_are_told_apart_by_their_beginning() -> None:
    rest = Newest.of("changes:~waiting#+log#:7")
    assert (rest.table, rest.most) == ("changes", 7)
    assert [rest.has(partition) for partition in ("default#1#0", "waiting#1", "log#default#1")] == [True, False, False]
