"""What comes back after kill -9 is what was there, after random writes of every kind, several at a time."""

import ast
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from app.local.aws_emulator.tables import ITEM_ACTIONS, READS, TABLE_ACTIONS
from tests.conftest import EMULATOR_PYTHON
from tests.local.emulating import TABLE, Env, Running, running
from tests.support.size import FULL

WRITERS = 4
STEPS = 60  # of each writer
NAMES = ("one", "two", "three")
REFUSED = {"ConditionalCheckFailedException", "TransactionCanceledException", "ValidationException"}
REFUSED |= {"ResourceNotFoundException", "ResourceInUseException", "DuplicateItemException"}


class Writer:
    """Writes at random, to tables that the others write to as well."""

    def __init__(self, at: Running, seed: int) -> None:
        self.tables, self.chance = at.tables, random.Random(seed)  # noqa: S311 because this is no secret
        self.done: set[str] = set()
        self.kinds: tuple[Callable[[str], str], ...] = (
            *(self.put, self.update, self.delete, self.batch, self.transact),
            *(self.insert_by_statement, self.update_by_statement, self.delete_by_statement),
            *(self.recreate, self.change_table, self.change_ttl, self.change_tags),
        )

    def run(self) -> set[str]:
        """Write. Returns the kinds of which at least one was accepted."""
        weights = [12, 12, 6, 6, 6, 2, 2, 2, 1, 1, 1, 1]
        for _ in range(STEPS):
            [kind] = self.chance.choices(self.kinds, weights)
            try:
                self.done.add(kind(self.chance.choice(NAMES)))
            except ClientError as error:
                assert error.response["Error"]["Code"] in REFUSED, error  # noqa: PT017 because others are faults
        return self.done

    def key(self) -> dict[str, Any]:
        return {
            "p": {"S": self.chance.choice(["a", "b", "ü\ud83d\ude00", 'quo"te'])},
            "s": {"N": str(self.chance.randint(0, 9))},
        }

    def value(self) -> dict[str, Any]:
        number = str(self.chance.randint(-5, 10**12))
        return self.chance.choice(
            [
                {"N": number},
                {"S": "x" * self.chance.randint(0, 9000)},
                {"B": b"\x00\xff" + number.encode()},
                {"NS": [number]},
                {"M": {"inner": {"L": [{"BOOL": True}, {"NULL": True}, {"S": "ä"}]}}},
            ]
        )

    def item(self) -> dict[str, Any]:
        more = {"g": {"S": self.chance.choice("xyz")}} if self.chance.random() < 0.5 else {}
        return {**self.key(), "v": self.value(), "ttl": {"N": "9999999999"}, **more}

    def put(self, table: str) -> str:
        condition = {"ConditionExpression": "attribute_not_exists(p)"} if self.chance.random() < 0.3 else {}
        self.tables.put_item(TableName=table, Item=self.item(), **condition)
        return "PutItem"

    def update(self, table: str) -> str:
        expression, values = self.chance.choice(
            [
                ("SET v = :v, g = :g", {":v": self.value(), ":g": {"S": self.chance.choice("xyz")}}),
                ("ADD n :n", {":n": {"N": "1"}}),
                ("REMOVE v, g", {}),
                ("SET m = :v", {":v": {"M": {}}}),
            ]
        )
        named = {"ExpressionAttributeValues": values} if values else {}
        self.tables.update_item(TableName=table, Key=self.key(), UpdateExpression=expression, **named)
        return "UpdateItem"

    def delete(self, table: str) -> str:
        self.tables.delete_item(TableName=table, Key=self.key())
        return "DeleteItem"

    def batch(self, table: str) -> str:
        writes = {
            (item["p"]["S"], item["s"]["N"]): self.chance.choice(
                [{"PutRequest": {"Item": item}}, {"DeleteRequest": {"Key": {"p": item["p"], "s": item["s"]}}}]
            )
            for item in (self.item() for _ in range(self.chance.randint(1, 10)))
        }
        self.tables.batch_write_item(RequestItems={table: list(writes.values())})
        return "BatchWriteItem"

    def transact(self, table: str) -> str:
        other = self.chance.choice(NAMES)
        self.tables.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": self.item()}},
                {"Delete": {"TableName": other, "Key": {"p": {"S": "other"}, "s": {"N": "1"}}}},
                {
                    "Update": {
                        "TableName": table,
                        "Key": {"p": {"S": "counter"}, "s": {"N": "0"}},
                        "UpdateExpression": "ADD n :one",
                        "ConditionExpression": "attribute_not_exists(n) OR n < :most",
                        "ExpressionAttributeValues": {":one": {"N": "1"}, ":most": {"N": "9"}},
                    }
                },
            ]
        )
        return "TransactWriteItems"

    def statement(self, text: str, table: str) -> str:
        return text.replace("TABLE", f'"{table}"').replace("NUMBER", str(self.chance.randint(0, 9)))

    def insert_by_statement(self, table: str) -> str:
        statement = self.statement("INSERT INTO TABLE VALUE {'p': 'b', 's': NUMBER, 'v': 'new'}", table)
        self.tables.execute_statement(Statement=statement)
        return "ExecuteStatement"

    def update_by_statement(self, table: str) -> str:
        statement = self.statement("UPDATE TABLE SET v='old' WHERE p='b' AND s=NUMBER", table)
        self.tables.batch_execute_statement(Statements=[{"Statement": statement}])
        return "BatchExecuteStatement"

    def delete_by_statement(self, table: str) -> str:
        self.tables.execute_statement(Statement=self.statement("DELETE FROM TABLE WHERE p='b' AND s=NUMBER", table))
        return "ExecuteStatement"

    def recreate(self, table: str) -> str:
        self.tables.delete_table(TableName=table)
        self.tables.create_table(TableName=table, **TABLE)
        return "CreateTable"

    def change_table(self, table: str) -> str:
        self.tables.update_table(TableName=table, DeletionProtectionEnabled=self.chance.random() < 0.3)
        return "UpdateTable"

    def change_ttl(self, table: str) -> str:
        setting = {"AttributeName": "ttl", "Enabled": self.chance.random() < 0.5}
        self.tables.update_time_to_live(TableName=table, TimeToLiveSpecification=setting)
        return "UpdateTimeToLive"

    def change_tags(self, table: str) -> str:
        arn = self.tables.describe_table(TableName=table)["Table"]["TableArn"]
        self.tables.tag_resource(ResourceArn=arn, Tags=[{"Key": "k", "Value": str(self.chance.random())}])
        return "TagResource"


def everything(at: Running) -> dict[str, Any]:
    """All that can be read of all tables."""
    found: dict[str, Any] = {}
    for name in at.tables.list_tables()["TableNames"]:
        description = at.tables.describe_table(TableName=name)["Table"]
        index = at.tables.scan(TableName=name, IndexName="by-g")["Items"]
        found[name] = {
            "description": description,
            "items": at.items(name),
            "by-g": sorted(index, key=repr),
            "ttl": at.tables.describe_time_to_live(TableName=name)["TimeToLiveDescription"],
            "tags": at.tables.list_tags_of_resource(ResourceArn=description["TableArn"])["Tags"],
        }
    return found


@pytest.mark.parametrize("seed", range(20) if FULL else range(1))
def test_what_comes_back_after_a_kill_is_what_was_there(env: Env, seed: int) -> None:
    with running(env) as first:
        for name in NAMES:
            first.tables.create_table(TableName=name, **TABLE)
        with ThreadPoolExecutor(WRITERS) as pool:
            done = set().union(*pool.map(lambda number: Writer(first, seed * WRITERS + number).run(), range(WRITERS)))
        assert done >= {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
        before = everything(first)
        first.kill()
    assert sum(len(table["items"]) for table in before.values()) > 10
    with running(env) as second:
        assert everything(second) == before


def test_a_transaction_is_not_made_again_after_a_kill(env: Env) -> None:
    """A client whose answer got lost with the emulator sends it again, under the same token."""
    transaction: Any = {
        "ClientRequestToken": "the-same",
        "TransactItems": [
            {
                "Update": {
                    "TableName": "one",
                    "Key": {"p": {"S": "a"}, "s": {"N": "1"}},
                    "UpdateExpression": "ADD n :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }
            }
        ],
    }
    with running(env) as first:
        first.tables.create_table(TableName="one", **TABLE)
        first.tables.transact_write_items(**transaction)
        first.kill()
    with running(env) as second:
        second.tables.transact_write_items(**transaction)
        assert [item["n"] for item in second.items("one")] == [{"N": "1"}]


# What ministack does to the items of a table, by function: those that the hooks replace, and those of actions that are
# refused or that the journal writes whole.
SETS, REMOVES = {"_set_item"}, {"_remove_item"}
WHOLE = {"_create_table", "_create_replica"}
NEVER = {"_restore_state", "_execute_transaction", "_restore_table_from_backup", "_restore_table_to_point_in_time"}


def test_ministack_changes_items_in_no_other_place() -> None:
    [source] = EMULATOR_PYTHON.parents[1].glob("lib/python*/site-packages/ministack/services/dynamodb.py")
    found = {
        function.name
        for function in ast.walk(ast.parse(source.read_text()))
        if isinstance(function, ast.FunctionDef) and any(map(changes_items, ast.walk(function)))
    }
    assert found == SETS | REMOVES | WHOLE | NEVER


def changes_items(node: ast.AST) -> bool:
    match node:
        case ast.Assign(targets=[target]):
            return isinstance(target, ast.Subscript) and '"items"' in ast.unparse(target).replace("'", '"')
        case ast.Delete(targets=[target]):
            return '"items"' in ast.unparse(target).replace("'", '"')
        case ast.Dict(keys=keys):
            return any(isinstance(key, ast.Constant) and key.value == "items" for key in keys)
    return False


def test_every_action_is_known_or_refused() -> None:
    [source] = EMULATOR_PYTHON.parents[1].glob("lib/python*/site-packages/ministack/services/dynamodb.py")
    tree = ast.parse(source.read_text())
    [handle] = [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef) and node.name == "handle_request"]
    offered = {
        str(key.value)
        for node in ast.walk(handle)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    assert offered >= ITEM_ACTIONS | TABLE_ACTIONS | READS
    changing = {name for name in offered if name.startswith(("Put", "Delete", "Update", "Create", "Batch", "Execute"))}
    refused = changing - ITEM_ACTIONS - TABLE_ACTIONS - READS
    assert refused == {
        *("CreateBackup", "DeleteBackup", "PutResourcePolicy", "DeleteResourcePolicy", "ExecuteTransaction"),
        *("UpdateContributorInsights", "UpdateKinesisStreamingDestination"),
    }
