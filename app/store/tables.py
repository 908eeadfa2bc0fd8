"""Binds the models to real tables, and creates the tables where nothing else does (on a laptop, in the tests)."""

from pynamodb.connection import Connection
from pynamodb.models import Model

from app.store.api_keys import ApiKeyItem
from app.store.collapses import CollapseItem
from app.store.content import ContentItem
from app.store.cursors import CursorItem
from app.store.events import EventItem
from app.store.heads import HeadItem
from app.store.health import HealthItem, SumsItem
from app.store.idempotency import KeyItem
from app.store.nonces import NonceItem
from app.store.places import PlaceItem
from app.store.recipients import RecipientItem
from app.store.suppressions import SuppressionItem

# The first model of a table describes it, because the connection keeps one description per table: only HeadItem knows
# the indexes of its table, and only SumsItem knows that the items of its table have a time to live.
MODELS: dict[str, tuple[type[Model], ...]] = {
    "emails": (HeadItem, ContentItem, EventItem, RecipientItem, CollapseItem, KeyItem),
    "nonces": (NonceItem,),
    "providers": (SumsItem, HealthItem, CursorItem, PlaceItem),
    "suppressions": (SuppressionItem,),
    "api-keys": (ApiKeyItem,),
}


def connect(prefix: str, region: str, endpoint_url: str | None, *, pool_size: int = 128) -> Connection:
    """Bind every model to its table under `prefix`. Call once per process, before the first read or write.

    All models share one connection: PynamoDB would give each its own client, and a client adds more to a cold
    start than everything else here together. `pool_size` is how many connections to DynamoDB are kept; it is more than
    the threads of a server together have, since one that is not kept costs a warning, and a new connection later.
    """
    connection = Connection(
        region=region,
        host=endpoint_url,
        connect_timeout_seconds=2,
        read_timeout_seconds=5,
        max_retry_attempts=3,
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
    _ = connection.client  # made now, because the first threads would otherwise each make one of their own
    return connection


def create_all() -> None:
    """Create the tables that do not exist yet, billed on demand, with their time to live."""
    for model, *_ in MODELS.values():
        if not model.exists():
            model.create_table(wait=True, billing_mode="PAY_PER_REQUEST")
