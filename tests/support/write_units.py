"""What a step writes, in DynamoDB's write units, as the store itself counts them (ConsumedCapacity)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.store.head_items import HeadItem

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")


@dataclass(frozen=True, slots=True)
class Write:
    """One call that writes: its units for the table itself, and for each index that it changes."""

    operation: str
    table: str
    units: float
    indexes: tuple[tuple[str, float], ...] = ()

    @property
    def total(self) -> float:
        """All its units."""
        return self.units + sum(units for _, units in self.indexes)


@contextmanager
def counted() -> Iterator[list[Write]]:
    """The writes that are made meanwhile, by whatever thread, in their order."""
    events = HeadItem._get_connection().connection.client.meta.events
    writes: list[Write] = []

    def ask(params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name in WRITES:
            params["ReturnConsumedCapacity"] = "INDEXES"

    def note(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        found = parsed.get("ConsumedCapacity", []) if model.name in WRITES else []
        writes.extend(_write(model.name, capacity) for capacity in (found if isinstance(found, list) else [found]))

    events.register("provide-client-params.dynamodb", ask)
    events.register("after-call.dynamodb", note)
    try:
        yield writes
    finally:
        events.unregister("provide-client-params.dynamodb", ask)
        events.unregister("after-call.dynamodb", note)


def _write(operation: str, capacity: dict[str, Any]) -> Write:
    indexes = {name: used["CapacityUnits"] for name, used in capacity.get("GlobalSecondaryIndexes", {}).items()}
    return Write(
        operation,
        capacity["TableName"],
        capacity["CapacityUnits"] - sum(indexes.values()),
        tuple(sorted((name, units) for name, units in indexes.items() if units)),
    )
