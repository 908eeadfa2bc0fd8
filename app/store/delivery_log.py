"""The log of deliveries: what became of the tries of each endpoint, for a week."""

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any, Final

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.freshness import Clock
from app.domain.packing import packed
from app.domain.tried import Tried
from app.store.batches import put_all
from app.store.change_items import DAY_MS, MOST_BYTES, key_of
from app.store.compact_json import CompactJSONAttribute, compact
from app.store.item_values import as_written, by_model, read_each, time_ms
from app.store.ttl import as_ttl

KEPT_DAYS: Final = 7
PAGE: Final = 25  # items of one query: a page of the log needs few, as a run of the worker logs up to ten tries in one
_CURSOR: Final = re.compile(r"([0-9]{13})#[0-9a-f]{12}#([0-9]{1,5})", re.ASCII)
_FIELDS: Final = fields(Tried)


class DeliveryLogItem(Model):
    """Tries of one endpoint that were made by one run of the worker, the oldest first, in the table of the feed."""

    class Meta:
        """The settings that PynamoDB reads. `tables.connect` fills in the name of the table."""

        table_name = ""

    partition = UnicodeAttribute(hash_key=True)
    part = UnicodeAttribute(range_key=True)
    ttl = TTLAttribute()
    tries = CompactJSONAttribute()


class DeliveryLog:
    """Stores and reads the log of deliveries: what became of each try to post a notification to an endpoint."""

    def __init__(self, clock: Clock, store: Callable[[Sequence[DeliveryLogItem]], None] = put_all) -> None:
        """`store` stores items as `batches.put_all` does."""
        self._clock, self._store = clock, store

    def add(self, project: str, endpoint_id: str, tries: Sequence[Tried]) -> None:
        """Keep tries that were made by one run of the worker. Raises ServiceUnavailable if not all are stored."""
        now_ms = int(self._clock() * 1000)
        ordered = sorted(tries, key=lambda one: one.at_ms)
        self._store(
            [
                DeliveryLogItem(
                    _partition(project, endpoint_id, now_ms // DAY_MS),
                    f"{now_ms:013d}#{secrets.token_hex(6)}",
                    ttl=as_ttl(now_ms / 1000 + KEPT_DAYS * 86_400),
                    tries=chunk,
                )
                for chunk in packed(map(_written, ordered), lambda one: len(compact(one).encode()), MOST_BYTES)
            ]
        )

    def read(self, project: str, endpoint_id: str, before: str | None, limit: int) -> tuple[list[Tried], str | None]:
        """At most `limit` tries, the newest run of the worker first, before the cursor `before` (None: the newest).

        Returns them, and the cursor to go on with (None: there are no more). Raises ValueError if `before` is no
        cursor. Runs that are under way at the same time may interleave, so the order is that in which they ended.
        """
        now_ms = int(self._clock() * 1000)
        bound, left = _position(before) if before else (f"{now_ms + DAY_MS:013d}", 0)
        newest = min(int(bound[:13]) // DAY_MS, now_ms // DAY_MS + 1)  # a clock of another worker may be ahead
        found: list[Tried] = []
        for day in range(newest, now_ms // DAY_MS - KEPT_DAYS - 1, -1):
            for item in _query(_partition(project, endpoint_id, day), bound):
                kept = [_tried(values) for values in item.tries]
                end = min(left, len(kept)) if item.part == bound else len(kept)
                for number in range(end, 0, -1):
                    if len(found) == limit:
                        return found, f"{item.part}#{number}"
                    found.append(kept[number - 1])
        return found, None


def _query(partition: str, bound: str) -> Iterator[DeliveryLogItem]:
    found = DeliveryLogItem.query(
        partition, DeliveryLogItem.part <= bound, scan_index_forward=False, page_size=PAGE, consistent_read=True
    )
    return read_each(as_written(found), by_model(DeliveryLogItem, _legible), "log of deliveries", key_of)


def _legible(item: DeliveryLogItem) -> DeliveryLogItem:
    """The item, if all its tries can be read."""
    for values in item.tries:
        time_ms(_tried(values).at_ms)
    return item


def _partition(project: str, endpoint_id: str, day: int) -> str:
    return f"log#{project}#{endpoint_id}#{day:06d}"


def _position(cursor: str) -> tuple[str, int]:
    """The item of a cursor, and how many of its tries are still to be read."""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise ValueError("is no place in the log; send `before` as an answer gave it, or leave it out")
    return cursor.rpartition("#")[0], int(found[2])


def _written(tried: Tried) -> dict[str, Any]:
    """A try as it is stored: without what is as it mostly is."""
    values = {field.name: getattr(tried, field.name) for field in _FIELDS}
    return {name: value for name, value in values.items() if value not in (None, "")}


def _tried(values: dict[str, Any]) -> Tried:
    return Tried(**{"status_code": None, "email_id": "", **values})
