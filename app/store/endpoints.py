"""Stores endpoints, each under its project. No secret is stored: each follows from the id and the generation."""

import secrets
import time
from collections.abc import Iterable
from typing import Any

from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DeleteError, PutError
from pynamodb.models import Model

from app.domain.change_types import ChangeType
from app.domain.endpoint import Disabled, Endpoint
from app.domain.freshness import Clock, Clocks, Moment
from app.store.codec import word
from app.store.failures import is_condition_failed
from app.store.item_values import as_written, by_model, optional_ms, read_each, read_item, time_ms
from app.store.raw_items import Raw

CACHE_FOR_S = 10.0  # a new endpoint is told of what happens after this time at the latest
CACHED_AT_MOST = 1000  # projects


class EndpointItem(Model):
    """One endpoint, and the failures since its last success."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    project = UnicodeAttribute(hash_key=True)
    endpoint_id = UnicodeAttribute(range_key=True)
    version = NumberAttribute()
    url = UnicodeAttribute()
    types: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute, null=True)
    description = UnicodeAttribute(null=True)
    created_at = NumberAttribute()
    began: ListAttribute[Any] = ListAttribute(of=NumberAttribute)
    failing_since = NumberAttribute(null=True)
    probed_at = NumberAttribute(null=True)
    disabled = UnicodeAttribute(null=True)
    disabled_at = NumberAttribute(null=True)
    write = UnicodeAttribute(null=True)  # by chance, the same if the same write is repeated


class Endpoints:
    """Finds the endpoints of a project, through a cache of a few seconds where that is asked for."""

    def __init__(self, clock: Clock, monotonic: Clock = time.monotonic) -> None:
        self._clocks = Clocks(clock, monotonic)
        self._cache: dict[str, tuple[Moment, list[Endpoint]]] = {}

    def put(self, endpoint: Endpoint) -> Endpoint | None:
        """Store a new endpoint (version 0), or a changed one under the version that it was read with.

        Returns it as it is stored; None if another writer came first, or it was deleted meanwhile. A write whose answer
        was lost is repeated below us, and then finds itself: that is not another writer.
        """
        is_new = endpoint.version == 0
        same = EndpointItem.project.does_not_exist() if is_new else EndpointItem.version == endpoint.version
        item = _to_item(endpoint, endpoint.version + 1)
        item.write = secrets.token_hex(8)
        try:
            item.save(condition=same)
        except PutError as error:
            if not is_condition_failed(error):
                raise
            if not _is_stored(item):
                return None
        self._cache.pop(endpoint.project, None)
        return _to_endpoint(item)

    def get(self, project: str, endpoint_id: str) -> Endpoint | None:
        """The endpoint of that project and id. Raises Unreadable if another version wrote it."""
        raw = EndpointItem._get_connection().get_item(project, endpoint_id, consistent_read=True).get("Item")
        return None if raw is None else read_item(raw, by_model(EndpointItem, _to_endpoint), "endpoint", endpoint_id)

    def of(self, project: str) -> list[Endpoint]:
        """The endpoints of a project, the oldest first, without those that cannot be read."""
        return _in_order(as_written(EndpointItem.query(project, consistent_read=True)))

    def all(self) -> list[Endpoint]:
        """The endpoints of all projects, the oldest first, without those that cannot be read. It reads the table."""
        return _in_order(as_written(EndpointItem.scan(consistent_read=True)))

    def known(self, project: str) -> list[Endpoint]:
        """As `of`, as they were some seconds ago at the earliest."""
        cached = self._cache.get(project)
        if cached and self._clocks.is_within(cached[0], CACHE_FOR_S):
            return cached[1]
        read_at = self._clocks.now()
        endpoints = self.of(project)
        if len(self._cache) >= CACHED_AT_MOST:
            self._cache.clear()
        self._cache[project] = read_at, endpoints
        return endpoints

    def delete(self, project: str, endpoint_id: str) -> bool:
        """Delete an endpoint. Returns False if there is none."""
        try:
            EndpointItem(project, endpoint_id).delete(condition=EndpointItem.project.exists())
        except DeleteError as error:
            if is_condition_failed(error):
                return False
            raise
        self._cache.pop(project, None)
        return True


def _is_stored(item: EndpointItem) -> bool:
    """Whether the item that is stored is of this very write."""
    raw = EndpointItem._get_connection().get_item(item.project, item.endpoint_id, consistent_read=True).get("Item")
    return raw is not None and raw.get("write") == {"S": item.write}


def _in_order(found: Iterable[Raw]) -> list[Endpoint]:
    endpoints = read_each(found, by_model(EndpointItem, _to_endpoint), "endpoint", _key)
    return sorted(endpoints, key=lambda endpoint: (endpoint.created_at_ms, endpoint.id))


def _key(raw: Raw) -> str:
    return f"{raw['project']['S']} {raw['endpoint_id']['S']}"


def _to_item(endpoint: Endpoint, version: int) -> EndpointItem:
    return EndpointItem(
        endpoint.project,
        endpoint.id,
        version=version,
        url=endpoint.url,
        types=[one.value for one in endpoint.types] or None,
        description=endpoint.description or None,
        created_at=endpoint.created_at_ms,
        began=list(endpoint.began_ms),
        failing_since=endpoint.failing_since_ms,
        probed_at=endpoint.probed_at_ms,
        disabled=endpoint.disabled and endpoint.disabled.value,
        disabled_at=endpoint.disabled_at_ms,
    )


def _to_endpoint(item: EndpointItem) -> Endpoint:
    return Endpoint(
        id=item.endpoint_id,
        project=item.project,
        url=item.url,
        created_at_ms=time_ms(item.created_at),
        began_ms=tuple(map(time_ms, item.began)),
        types=tuple(ChangeType(one) for one in item.types or ()),
        description=item.description or "",
        failing_since_ms=optional_ms(item.failing_since),
        probed_at_ms=optional_ms(item.probed_at),
        disabled=word(Disabled, item.disabled, Disabled.BY_USER) if item.disabled else None,
        disabled_at_ms=optional_ms(item.disabled_at),
        version=int(item.version),
    )
