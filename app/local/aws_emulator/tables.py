"""Keeps the tables of ministack's DynamoDB: notes every change that a request makes, and fills the tables at the start.

ministack stores an item by `_set_item` and deletes one by `_remove_item`, whichever request it is; it knows a table by
one dict in `_tables`, and what else is known of it by its name or ARN. A request is handled within one step of the
event loop, so that its changes are one transaction.
"""

import gc
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from .commits import Commits
from .journal import Describe, Drop, Journal, NotKept, Put, Remove
from .notes import noted, noting
from .snapshot import OF_ITEMS, Snapshot
from .streams import Streams
from .tokens import Tokens

ITEM_ACTIONS: Final = frozenset(
    {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
    | {"ExecuteStatement", "BatchExecuteStatement"}
)
TABLE_ACTIONS: Final = frozenset(
    {"CreateTable", "DeleteTable", "UpdateTable", "UpdateTimeToLive", "UpdateContinuousBackups"}
    | {"TagResource", "UntagResource"}
)
READS: Final = frozenset(
    {"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems", "DescribeTable", "ListTables"}
    | {"DescribeTimeToLive", "DescribeContinuousBackups", "DescribeEndpoints", "DescribeLimits", "ListTagsOfResource"}
)
"""Every other action changes something that is not kept, and is refused."""

_PLACE: Final = "table "


class Tables:
    """The tables of ministack's module `dynamodb`, which is passed in.

    An item that has the attribute `claim` announces an effect outside, so no power failure may lose it.
    """

    def __init__(self, dynamodb: Any, commits: Commits, claim: str, streams: Streams) -> None:
        self._dynamodb, self._commits, self._claim, self._streams = dynamodb, commits, claim, streams
        self._handle, self._set, self._remove = dynamodb.handle_request, dynamodb._set_item, dynamodb._remove_item
        self._described: dict[str, str] = {}  # place → its description, as it is in the journal
        self._places: dict[int, str] = {}  # id of a table's dict → its place
        self.tokens = Tokens(dynamodb, commits)

    def hook(self) -> None:
        """See every change from now on. Whoever changes something outside of a request gets a RuntimeError."""
        self._dynamodb.handle_request = self._answer
        self._dynamodb._set_item = self._set_item
        self._dynamodb._remove_item = self._remove_item
        self._dynamodb._items_replaced = _refuse_to_replace

    def load(self, journal: Journal, progress: Callable[[int], None]) -> None:
        """Fill the tables from the journal. `progress` is told how many items there are already."""
        gc.disable()  # it would look again and again at items that all stay
        count = 0
        for place, description in journal.places():
            if not place.startswith(_PLACE):
                continue
            items: defaultdict[str, dict[str, Any]] = defaultdict(dict)
            for name, item in journal.entries(place):
                partition, sort = json.loads(name)
                items[partition][sort] = item
                count += 1
                if count % 1000 == 0:
                    progress(count)
            self._restore(place, description, items)
        self.tokens.load(journal)
        self._streams.load(journal)
        gc.freeze()
        gc.enable()

    async def expire(self, keys: list[tuple[dict[str, Any], str, str]], is_expired: Callable[[Any], bool]) -> int:
        """Delete those of the items (table, partition, sort) that are still there and expired. Returns how many."""
        count = 0
        with self._noted():
            for table, partition, sort in keys:
                item = table["items"].get(partition, {}).get(sort)
                if item is not None and id(table) in self._places and is_expired(item):
                    self._remove_item(table, partition, sort)
                    count += 1
        await self._commits.settled()
        return count

    async def _answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action not in ITEM_ACTIONS | TABLE_ACTIONS | READS:
            return _error(400, "UnknownOperationException", f"this emulator keeps nothing of {action}, and refuses it")
        try:
            with self._noted():
                if action in TABLE_ACTIONS:
                    noting().undo.append(Snapshot(self._dynamodb).restore)
                answer: tuple[int, dict[str, str], bytes] = await self._handle(method, path, headers, body, query)
                if action in TABLE_ACTIONS:
                    self._note_tables()
                    self._streams.drop_gone()
                if action == "TransactWriteItems":
                    self.tokens.note(noting(), body)
            await self._commits.settled()
        except NotKept as why:
            return _error(500, "InternalServerError", f"nothing can be kept: {why}")
        return answer

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Note what is changed within, and hand it over to be written. After an exception, take it back."""
        with noted() as notes:
            yield
        if notes.changes:
            self._commits.add(notes.changes, notes.take_back, sync=notes.sync)

    def _set_item(self, table: dict[str, Any], partition: str, sort: str, item: Any) -> Any:
        notes, place = noting(), self._places[id(table)]
        before = self._set(table, partition, sort, item)
        notes.changes.append(Put(place, json.dumps([partition, sort]), item))
        notes.sync |= self._claim in item
        if before is None:
            notes.undo.append(lambda: self._remove(table, partition, sort))
        else:
            notes.undo.append(lambda: self._set(table, partition, sort, before))
        return before

    def _remove_item(self, table: dict[str, Any], partition: str, sort: str) -> Any:
        notes, place = noting(), self._places[id(table)]
        before = self._remove(table, partition, sort)
        if before is not None:
            notes.changes.append(Remove(place, json.dumps([partition, sort])))
            notes.undo.append(lambda: self._set(table, partition, sort, before))
        return before

    def _note_tables(self) -> None:
        """Note which tables are new, gone or described anew. A new one is written with all of its items."""
        notes = noting()
        described, places = dict(self._described), dict(self._places)
        now = {
            _place(*key): (table, self._description(key, table)) for key, table in self._dynamodb._tables.all_items()
        }
        for place in self._described.keys() - now.keys():
            notes.changes.append(Drop(place))
        for place, (table, description) in now.items():
            is_new = self._places.get(id(table)) != place
            if is_new and place in self._described:
                notes.changes.append(Drop(place))
            if is_new or self._described[place] != description:
                notes.changes.append(Describe(place, json.loads(description)))
            if is_new:
                notes.changes += [
                    Put(place, json.dumps([partition, sort]), item)
                    for partition, items in table["items"].items()
                    for sort, item in items.items()
                ]
        self._described = {place: description for place, (_, description) in now.items()}
        self._places = {id(table): place for place, (table, _) in now.items()}

        def undo() -> None:
            self._described, self._places = described, places

        notes.undo.append(undo)

    def _description(self, key: tuple[str, str, str], table: dict[str, Any]) -> str:
        """Everything that is known of a table but its items, as JSON."""
        of, (account, region, _) = self._dynamodb, key
        return json.dumps(
            {
                "table": {key: value for key, value in table.items() if key not in OF_ITEMS},
                "ttl": of._ttl_settings.get_scoped(*key),
                "pitr": of._pitr_settings.get_scoped(*key),
                "tags": of._tags.get_scoped(account, region, table["TableArn"]),
            }
        )

    def _restore(self, place: str, description: Any, items: defaultdict[str, dict[str, Any]]) -> None:
        account, region, name = place.removeprefix(_PLACE).split("/")
        of, table = self._dynamodb, {**description["table"], "items": items}
        of._update_counts(table)
        of._tables.set_scoped(account, region, name, table)
        for store, key in ((of._ttl_settings, "ttl"), (of._pitr_settings, "pitr")):
            if description[key] is not None:
                store.set_scoped(account, region, name, description[key])
        if description["tags"] is not None:
            of._tags.set_scoped(account, region, table["TableArn"], description["tags"])
        self._places[id(table)] = place
        self._described[place] = self._description((account, region, name), table)


def _place(account: str, region: str, name: str) -> str:
    return f"{_PLACE}{account}/{region}/{name}"


def _refuse_to_replace(table: dict[str, Any]) -> None:
    raise RuntimeError(f"the items of {table['TableName']} were replaced as a whole, which would not be kept")


def _error(status: int, code: str, message: str) -> tuple[int, dict[str, str], bytes]:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}
    return status, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(body).encode()
