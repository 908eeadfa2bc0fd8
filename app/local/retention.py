"""Deletes the oldest emails, so that an installation that is left running keeps the newest ones only.

On AWS an email is kept for eight days by its time to live, and so it is here; but eight days of a load test would fill
a laptop. An email for which something is still to be done is never deleted.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from typing import Any, Final

from app.domain.due import due_at_ms
from app.domain.head import Head
from app.faults import log_fault
from app.local import aws, variables
from app.store.entries import entries_of
from app.store.head_items import PART
from app.store.heads import Heads

KEPT: Final = 10_000
"""How many of the newest emails are kept, if KEEP_EMAILS does not say otherwise."""

MOST_KEPT: Final = 1_000_000
INTERVAL_S: Final = 60.0
PAUSE_S: Final = 0.2  # after each chunk, so that the emails that come in are not held up
CHUNK: Final = 100  # heads read at once
AT_ONCE: Final = 25  # items that DynamoDB deletes by one call
SIDE_BY_SIDE: Final = 4  # calls, so that it keeps pace with emails that come in as fast as they can
LATE_MS: Final = 60_000  # an email may appear in the index this much later than its time says

_log = logging.getLogger(__name__)


def limit(env: Mapping[str, str]) -> int:
    """How many emails KEEP_EMAILS says are kept. Raises LocalError if it is no number, or too large a one."""
    return variables.whole(env, "KEEP_EMAILS", KEPT, MOST_KEPT)


class Retention:
    """Keeps the newest `kept` emails of the installation that `env` names, and all that are under way."""

    def __init__(
        self,
        env: Mapping[str, str],
        kept: int,
        heads: Heads,
        partitions: Iterable[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`partitions` are those of all emails, whenever it is looked."""
        self._tables, self._objects = aws.client("dynamodb", env), aws.client("s3", env)
        self._table, self._bucket = f"{env['TABLE_PREFIX']}emails", env["CONTENT_BUCKET"]
        self._deletion = f'DELETE FROM "{self._table}" WHERE email_id = ? AND part = ? AND version = ?'  # noqa: S608 because the name is our own
        self._kept, self._heads, self._partitions, self._clock = kept, heads, partitions, clock
        self._known: dict[str, int] = {}  # email id → when it was accepted, epoch ms
        self._read_until_ms = 0

    def run(self, stop: threading.Event) -> None:
        """Look once a minute until `stop` is set. A failure is logged, and the next minute goes on from there."""
        while not stop.wait(INTERVAL_S):
            try:
                self.trim(stop)
            except Exception as error:  # noqa: BLE001 because the thread would end, and the disk fill up without a word
                log_fault(_log, "old emails cannot be deleted", error, logging.WARNING)

    def trim(self, stop: threading.Event) -> int:
        """Delete the oldest emails until the newest are left, or `stop` is set. Returns how many were deleted."""
        self._read_new()
        oldest = sorted(self._known, key=self._known.__getitem__)[: max(0, len(self._known) - self._kept)]
        count = 0
        for ids in _chunks(oldest, CHUNK):
            count += self._delete(ids)
            if stop.wait(PAUSE_S):
                break
        if count:
            _log.info("old emails deleted", extra={"emails": count, "kept": len(self._known)})
        return count

    def _read_new(self) -> None:
        """Learn which emails were accepted since the last time."""
        now_ms, since_ms = int(self._clock() * 1000), self._read_until_ms
        for partition in self._partitions:
            newest_first = self._heads.created(partition, None)
            for created_at_ms, email_id in takewhile(lambda found: found[0] > since_ms, newest_first):
                self._known[email_id] = created_at_ms
        self._read_until_ms = now_ms - LATE_MS

    def _delete(self, ids: Sequence[str]) -> int:
        """Delete those of these emails for which nothing is left to do. Returns how many."""
        now_ms = int(self._clock() * 1000)
        heads = self._heads.get_many(list(ids))
        for email_id in set(ids) - {head.email_id for head in heads}:
            del self._known[email_id]  # expired meanwhile
        done = self._delete_heads([head for head in heads if due_at_ms(head, now_ms) is None])
        with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="retention") as pool:
            keys = [key for found in pool.map(self._keys, done) for key in found]
            list(pool.map(self._delete_items, _chunks(keys, AT_ONCE)))
        for head in done:
            del self._known[head.email_id]
        return len(done)

    def _delete_heads(self, heads: Sequence[Head]) -> list[Head]:
        """Delete the heads first: without one there is no such email, and what else there is of it expires.

        Returns those that were deleted: not one that somebody has written since it was read, for which something may
        be left to do.
        """
        gone: list[Head] = []
        for some in _chunks(heads, AT_ONCE):
            statements = [{"Statement": self._deletion, "Parameters": _identity(head)} for head in some]
            answers = self._tables.batch_execute_statement(Statements=statements)["Responses"]
            gone += [head for head, answer in zip(some, answers, strict=True) if "Error" not in answer]
        return gone

    def _delete_items(self, keys: Sequence[dict[str, Any]]) -> None:
        requests = [{"DeleteRequest": {"Key": key}} for key in keys]
        self._tables.batch_write_item(RequestItems={self._table: requests})

    def _keys(self, head: Head) -> list[dict[str, Any]]:
        """The keys of the other items of the email. Deletes the objects that they name."""
        pages = self._tables.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="email_id = :id",
            ExpressionAttributeValues={":id": {"S": head.email_id}},
            ProjectionExpression="part, object_key",
            ConsistentRead=True,
        )
        items = [item for page in pages for item in page["Items"]]
        for item in items:
            if "object_key" in item:
                self._objects.delete_object(Bucket=self._bucket, Key=item["object_key"]["S"])
        parts = [_key(head.email_id, item["part"]["S"]) for item in items]
        return parts + [_key(index.email_id, index.part) for index in entries_of(head)]


def _chunks(everything: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(everything), size):
        yield everything[begin : begin + size]


def _identity(head: Head) -> list[dict[str, Any]]:
    return [{"S": head.email_id}, {"S": PART}, {"N": str(head.version)}]


def _key(email_id: str, part: str) -> dict[str, Any]:
    return {"email_id": {"S": email_id}, "part": {"S": part}}
