"""Whether the journal fits the installed version of ministack.

The journal replaces and calls functions of ministack that are no public interface, and another version may have changed
them. So each start compares their parameters with those that are known, then writes in every way there is, and reads in
the journal whether each write arrived.
"""

import inspect
import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from .journal import Journal, NotKept
from .streams import Wanted

FUNCTIONS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "dynamodb": {
        "handle_request": ("method", "path", "headers", "body", "query_params"),
        "_set_item": ("table", "pk_val", "sk_val", "item"),
        "_remove_item": ("table", "pk_val", "sk_val"),
        "_items_replaced": ("table",),
        "_update_counts": ("table",),
        "_emit_stream_event": ("table_name", "event_name", "old_item", "new_item", "replicate"),
        "_build_change_record": ("table", "event_name", "old_item", "new_item", "view_type"),
    },
    "dynamodb_streams": {"handle_request": ("method", "path", "headers", "body", "query_params")},
    "s3": {
        "_put_object": ("bucket_name", "key", "body", "headers"),
        "_delete_object": ("bucket_name", "key", "headers", "query_params"),
        "_persist_object": ("bucket", "key", "obj"),
        "_delete_persisted_object": ("bucket_name", "key"),
        "_object_disk_path": ("bucket", "key", "account_id"),
        "_atomic_write": ("fpath", "data", "text"),
        "_read_body": ("bucket_name", "key", "obj"),
        "_remove_key_files": ("fpath",),
        "_in_account": ("account_id",),
    },
    "sqs": {
        "handle_request": ("method", "path", "headers", "body", "query_params"),
        "_expire_retained": ("q",),
    },
}
"""What is replaced or called: module → function → its parameters."""

STORES: Final[Mapping[str, tuple[str, ...]]] = {
    "dynamodb": (
        *("_tables", "_ttl_settings", "_pitr_settings", "_tags", "_txn_idempotency"),
        *("_stream_records", "_stream_trimmed", "_closed_streams"),
    ),
    "s3": ("_buckets",),
    "sqs": ("_queues",),
}

SCRATCH: Final = "proof-of-the-journal"
"""The table that each start makes, writes to, and deletes."""

OF_SCRATCH: Final = Wanted(SCRATCH, 100, "p", (("", frozenset({"INSERT", "MODIFY"})),))
"""What is kept of that table's stream."""


def require_shape(modules: Mapping[str, Any]) -> None:
    """Raise NotKept if something of `modules`, ministack's by name, does not have the shape that is known."""
    for name, functions in FUNCTIONS.items():
        for function, parameters in functions.items():
            found = getattr(modules[name], function, None)
            if found is None or tuple(inspect.signature(found).parameters) != parameters:
                raise NotKept(f"{_misfit()}: {name}.{function} is another one")
    for name, stores in STORES.items():
        for store in stores:
            if not hasattr(getattr(modules[name], store, None), "_data"):
                raise NotKept(f"{_misfit()}: {name}.{store} is another one")


async def require_proof(handle: Any, dynamodb: Any, journal: Journal) -> None:
    """Write in each way by `handle`, which answers requests to DynamoDB. Raise NotKept if the journal missed one."""

    async def call(action: str, **request: Any) -> int:
        headers = {"x-amz-target": f"DynamoDB_20120810.{action}"}
        status, _, body = await handle("POST", "/", headers, json.dumps(request).encode(), {})
        if b"nothing can be kept" in body:
            raise NotKept(json.loads(body)["message"])
        return int(status)

    def key(name: str) -> dict[str, Any]:
        return {"p": {"S": name}, "s": {"N": "1"}}

    await call("DeleteTable", TableName=SCRATCH)  # a process that was killed may have left it
    statuses = [
        await call(
            "CreateTable",
            TableName=SCRATCH,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "p", "AttributeType": "S"},
                {"AttributeName": "s", "AttributeType": "N"},
            ],
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
    ]
    (account, region, _), table = next(found for found in dynamodb._tables.all_items() if found[0][2] == SCRATCH)
    place, stream = (f"{kind} {account}/{region}/{SCRATCH}" for kind in ("table", "stream"))
    to = {"TableName": SCRATCH}
    add = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    writes: tuple[tuple[str, dict[str, Any]], ...] = (
        ("PutItem", {**to, "Item": key("a")}),
        ("UpdateItem", {**to, "Key": key("a"), **add}),
        ("UpdateItem", {**to, "Key": key("b"), **add}),
        ("BatchWriteItem", {"RequestItems": {SCRATCH: [{"PutRequest": {"Item": key("c")}}]}}),
        ("BatchWriteItem", {"RequestItems": {SCRATCH: [{"DeleteRequest": {"Key": key("b")}}]}}),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {**to, "Item": key("d")}},
                    {"Update": {**to, "Key": key("a"), **add}},
                    {"Delete": {**to, "Key": key("c")}},
                ]
            },
        ),
        ("DeleteItem", {**to, "Key": key("d")}),
    )
    for action, request in writes:
        statuses.append(await call(action, **request))
        held = {
            json.dumps([partition, sort]): item
            for partition, items in table["items"].items()
            for sort, item in items.items()
        }
        if dict(journal.entries(place)) != held:
            raise NotKept(f"{_misfit()}: the journal missed a {action}")
    recorded = [record["eventName"] for _, record in journal.entries(stream)]
    if recorded != ["INSERT", "MODIFY", "INSERT", "INSERT", "INSERT", "MODIFY"]:
        raise NotKept(f"{_misfit()}: the stream of a table tells {recorded}")
    statuses.append(await call("DeleteTable", TableName=SCRATCH))
    if set(statuses) != {200} or {place, stream} & {other for other, _ in journal.places()}:
        raise NotKept(f"{_misfit()}: a table that comes and goes is not seen")


def _misfit() -> str:
    return (
        f"what local mode keeps on disk does not fit ministack {version('ministack')}"
        " (install the one that requirements/emulator.txt names: make emulator)"
    )
