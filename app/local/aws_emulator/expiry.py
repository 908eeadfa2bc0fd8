"""Deletes what has expired: items by the time to live of their table, objects by their age, dead letters.

Of some items only the newest are kept as well: on AWS it is enough that they expire, but a laptop has no room for all
that a load test leaves behind in that time.

ministack's own thread for items would change them beside the requests, so it is never started.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from .dead_letters import KeptQueues
from .journal import NotKept
from .tables import Tables

AT_ONCE: Final = 500
"""Items that are looked at, or deleted, before other requests have their turn."""

_TIME: Final = 13  # digits of a time in epoch ms
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Cap:
    """Of the partitions of a table whose keys begin with `prefix`, the newest `most` are kept."""

    table: str
    prefix: str
    most: int

    @classmethod
    def of(cls, text: str) -> "Cap":
        """Parse `text`, an argument of the command line: TABLE:PREFIX:MOST."""
        table, prefix, most = text.split(":")
        return cls(table, prefix, int(most))


@dataclass(frozen=True, slots=True)
class Newest:
    """Of the items of a table whose sort keys begin with a time, the newest `most` are kept.

    They are those of the partitions whose keys begin with one of `prefixes`; with `is_all_but`, all but those.
    """

    table: str
    prefixes: tuple[str, ...]
    is_all_but: bool
    most: int

    @classmethod
    def of(cls, text: str) -> "Newest":
        """Parse `text`, an argument of the command line: TABLE:PREFIX+PREFIX:MOST, or TABLE:~PREFIX+PREFIX:MOST."""
        table, prefixes, most = text.split(":")
        return cls(table, tuple(prefixes.removeprefix("~").split("+")), prefixes.startswith("~"), int(most))

    def has(self, partition: str) -> bool:
        """Whether it is about the items of this partition."""
        return partition.startswith(self.prefixes) is not self.is_all_but


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Objects whose keys begin with `prefix` expire `days` after they were written."""

    prefix: str
    days: float

    @classmethod
    def of(cls, text: str) -> "Lifecycle":
        """Parse `text`, an argument of the command line: PREFIX:DAYS."""
        prefix, days = text.split(":")
        return cls(prefix, float(days))


_log = logging.getLogger("emulator.expiry")


class Expiry:
    """Looks every `interval_s` seconds. Objects expire by the first of `lifecycles` that holds them."""

    def __init__(
        self,
        dynamodb: Any,
        s3: Any,
        tables: Tables,
        queues: KeptQueues,
        lifecycles: Sequence[Lifecycle],
        caps: Sequence[Cap],
        newest: Sequence[Newest],
        interval_s: float,
    ) -> None:
        self._dynamodb, self._s3 = dynamodb, s3
        self._tables, self._queues = tables, queues
        self._lifecycles, self._caps, self._newest, self._interval_s = lifecycles, caps, newest, interval_s

    async def watch(self) -> None:
        """Look again and again. Never returns."""
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self.look(time.time())
            except NotKept as why:
                _log.warning("what has expired cannot be deleted: %s", why)

    async def look(self, now_s: float) -> None:
        """Delete what has expired at `now_s`. Raises NotKept if that cannot be kept."""
        for (account, region, name), setting in list(self._dynamodb._ttl_settings.all_items()):
            table = self._dynamodb._tables.get_scoped(account, region, name)
            if table is not None and setting.get("TimeToLiveStatus") == "ENABLED":
                await self._expire_items(table, setting["AttributeName"], now_s)
        for cap in self._caps:
            await self._keep_newest(cap)
        for newest in self._newest:
            await self._keep_newest_items(newest)
        self._tables.tokens.forget(now_s)
        self._queues.expire()
        await self._expire_objects(now_s)

    async def _expire_items(self, table: dict[str, Any], attribute: str, now_s: float) -> None:
        def is_expired(item: Any) -> bool:
            try:
                return float(item[attribute]["N"]) <= now_s
            except (KeyError, ValueError):
                return False

        found: list[tuple[dict[str, Any], str, str]] = []
        looked_at = 0
        for partition in list(table["items"]):
            items = table["items"].get(partition, {})
            found += [(table, partition, sort) for sort, item in items.items() if is_expired(item)]
            looked_at += len(items)
            if looked_at >= AT_ONCE or len(found) >= AT_ONCE:
                await self._tables.expire(found, is_expired)
                await asyncio.sleep(0)
                found, looked_at = [], 0
        await self._tables.expire(found, is_expired)

    async def _keep_newest(self, cap: Cap) -> None:
        tables = [table for (_, _, name), table in self._dynamodb._tables.all_items() if name == cap.table]
        for table in tables:  # a dict is in the order in which its keys came
            partitions = [partition for partition in table["items"] if partition.startswith(cap.prefix)]
            too_old = partitions[: max(0, len(partitions) - cap.most)]
            for begin in range(0, len(too_old), AT_ONCE):
                some = too_old[begin : begin + AT_ONCE]
                keys = [(table, partition, sort) for partition in some for sort in table["items"].get(partition, {})]
                await self._tables.expire(keys, lambda _: True)
                await asyncio.sleep(0)

    async def _keep_newest_items(self, newest: Newest) -> None:
        for (_, _, name), table in self._dynamodb._tables.all_items():
            if name != newest.table:
                continue
            keys = [
                (sort, partition)
                for partition, items in table["items"].items()
                if newest.has(partition)
                for sort in items
                if sort[:_TIME].isdecimal() and len(sort) > _TIME
            ]
            keys.sort()
            too_old = keys[: max(0, len(keys) - newest.most)]
            for begin in range(0, len(too_old), AT_ONCE):
                some = [(table, partition, sort) for sort, partition in too_old[begin : begin + AT_ONCE]]
                await self._tables.expire(some, lambda _: True)
                await asyncio.sleep(0)

    async def _expire_objects(self, now_s: float) -> None:
        count = 0
        for scoped, bucket in list(self._s3._buckets._data.items()):
            for key, record in list(bucket["objects"].items()):
                count += 1
                if count % AT_ONCE == 0:
                    await asyncio.sleep(0)
                lifecycle = next((rule for rule in self._lifecycles if key.startswith(rule.prefix)), None)
                if lifecycle is None or bucket["objects"].get(key) is not record:
                    continue
                written_s = datetime.fromisoformat(record["last_modified"]).timestamp()
                if now_s - written_s > lifecycle.days * _DAY_S:
                    await self._delete(scoped, key)

    async def _delete(self, scoped: tuple[str, str], key: str) -> None:
        account, bucket = scoped
        with self._s3._in_account(account):
            self._s3._delete_object(bucket, key)
