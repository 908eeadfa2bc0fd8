"""Binds the models to real tables, and creates the tables where nothing else does (on a laptop, in the tests)."""

from collections.abc import Iterable, Mapping
from typing import Any

from pynamodb.connection import Connection
from pynamodb.models import Model

from app.store.api_keys import ApiKeyItem
from app.store.change_items import ChangeItem, LateItem
from app.store.collapses import CollapseItem
from app.store.content import ContentItem
from app.store.cursors import CursorItem
from app.store.delivery_log import DeliveryLogItem
from app.store.endpoints import EndpointItem
from app.store.entries import EntryItem
from app.store.events import EventItem
from app.store.head_items import HeadItem
from app.store.health import HealthItem, SumsItem
from app.store.idempotency import KeyItem
from app.store.nonces import NonceItem
from app.store.partitions import PartitionsItem
from app.store.places import PlaceItem
from app.store.stats import StatsItem
from app.store.suppression_items import SuppressionItem
from app.store.usage import UsageItem
from app.store.waiting_notifications import WaitingItem
from app.store.whole_answers import require_whole_answers

# The first model of a table describes it, because the connection keeps one description per table: only HeadItem knows
# the indexes and the stream of its table, and only SumsItem knows that the items of its table have a time to live.
MODELS: dict[str, tuple[type[Model], ...]] = {
    "emails": (HeadItem, ContentItem, EventItem, EntryItem, CollapseItem, KeyItem, PartitionsItem),
    "nonces": (NonceItem,),
    "providers": (SumsItem, HealthItem, CursorItem, PlaceItem, UsageItem),
    "suppressions": (SuppressionItem,),
    "api-keys": (ApiKeyItem,),
    "changes": (ChangeItem, LateItem, StatsItem, WaitingItem, DeliveryLogItem),
    "endpoints": (EndpointItem,),
}


# A store that hangs fails a call within READ_TIMEOUT_S for each of its tries, some nine seconds, so that a request can
# still be answered within API Gateway's 29 seconds. DynamoDB itself answers within some milliseconds.
CONNECT_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 3.0
RETRIES = 2
FEED_RETRIES = 1  # in a process that writes the feed, whose readers wait for as long as a call may be under way


def slowest_call_s(retries: int) -> float:
    """How long a call may be under way: each of its tries, and the waits between them.

    A wait is at most 1 s, 2 s, 4 s … (botocore, "Retries: standard mode", read 2026-12-01).
    """
    return (retries + 1) * (CONNECT_TIMEOUT_S + READ_TIMEOUT_S) + sum(2.0**number for number in range(retries))


def connect(
    prefix: str,
    region: str,
    endpoint_url: str | None,
    *,
    pool_size: int = 128,
    read_timeout_s: float = READ_TIMEOUT_S,
    retries: int = RETRIES,
) -> Connection:
    """Bind every model to its table under `prefix`. Call once per process, before the first read or write.

    A call waits `read_timeout_s` for an answer, and is made again up to `retries` times.

    All models share one connection: PynamoDB would give each its own client, and a client adds more to a cold
    start than everything else here together. `pool_size` is how many connections to DynamoDB are kept; it is more than
    the threads of a server together have, since one that is not kept costs a warning, and a new connection later.
    """
    connection = Connection(
        region=region,
        host=endpoint_url,
        connect_timeout_seconds=CONNECT_TIMEOUT_S,
        read_timeout_seconds=read_timeout_s,
        max_retry_attempts=retries,
        max_pool_connections=pool_size,
    )
    for name, models in MODELS.items():
        for model in models:
            model.Meta.table_name = prefix + name
            model._connection = None
            table = model._get_connection()
            if model is models[0]:
                connection.add_meta_table(table.get_meta_table())
            table.connection = connection
    # The client is made now, because the first threads would otherwise each make one of their own.
    require_whole_answers(connection.client, retries)
    return connection


def create_all() -> None:
    """Create the tables that do not exist yet, billed on demand, with their time to live and their stream.

    A table that an earlier version made without its stream gets it.
    """
    for model, *_ in MODELS.values():
        if not model.exists():
            model.create_table(wait=True, billing_mode="PAY_PER_REQUEST")
        elif view := getattr(model.Meta, "stream_view_type", None):
            _require_stream(model, view)


def _require_stream(model: type[Model], view: str) -> None:
    if model.describe_table().get("StreamSpecification", {}).get("StreamEnabled"):
        return
    client: Any = model._get_connection().connection.client
    specification = {"StreamEnabled": True, "StreamViewType": view}
    client.update_table(TableName=model.Meta.table_name, StreamSpecification=specification)


def of_another_version() -> list[str]:
    """The names of the tables that have other keys or indexes than this version reads and writes."""
    return [model.Meta.table_name for model, *_ in MODELS.values() if _stored_keys(model) != _own_keys(model)]


Keys = dict[str, set[tuple[str, str]]]  # of the table ("") and of each index: attribute and kind


def _own_keys(model: type[Model]) -> Keys:
    schema = model._get_schema()
    indexes = {index["index_name"]: _pairs(index["key_schema"]) for index in schema["global_secondary_indexes"]}
    return {"": _pairs(schema["key_schema"]), **indexes}


def _stored_keys(model: type[Model]) -> Keys:
    table = model.describe_table()
    indexes = {index["IndexName"]: _pairs(index["KeySchema"]) for index in table.get("GlobalSecondaryIndexes") or ()}
    return {"": _pairs(table["KeySchema"]), **indexes}


def _pairs(keys: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    return {(key["AttributeName"], key["KeyType"]) for key in keys}
