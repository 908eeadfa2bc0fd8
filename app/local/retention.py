"""Deletes the oldest emails, so that an installation that is left running keeps the newest ones only.

On AWS an email is kept for eight days by its time to live, and so it is here; but eight days of a load test would fill
a laptop. An email for which something is still to be done is never deleted.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from app.domain.head import Head, due_at_ms
from app.errors import ServiceUnavailable
from app.local import aws, variables
from app.store import recipients
from app.store.head_items import PART, SHARDS
from app.store.heads import Heads

KEPT: Final = 10_000
"""How many of the newest emails are kept, if KEEP_EMAILS does not say otherwise."""

MOST_KEPT: Final = 1_000_000
INTERVAL_S: Final = 60.0
PAUSE_S: Final = 0.2  # after each chunk, so that the emails that come in are not held up
CHUNK: Final = 100  # heads read at once
AT_ONCE: Final = 25  # items that DynamoDB deletes by one call
LATE_MS: Final = 60_000  # an email may appear in the index so much later than its time says

_log = logging.getLogger(__name__)


def limit(env: Mapping[str, str]) -> int:
    """How many emails KEEP_EMAILS says are kept. Raises LocalError if it is no number, or too large a one."""
    return variables.whole(env, "KEEP_EMAILS", KEPT, MOST_KEPT)


class Retention:
    """Keeps the newest `kept` emails of the installation that `env` names, and all that are under way."""

    def __init__(self, env: Mapping[str, str], kept: int, heads: Heads, clock: Callable[[], float] = time.time) -> None:
        self._tables, self._objects = aws.client("dynamodb", env), aws.client("s3", env)
        self._table, self._bucket = f"{env['TABLE_PREFIX']}emails", env["CONTENT_BUCKET"]
        self._kept, self._heads, self._clock = kept, heads, clock
        self._known: dict[str, int] = {}  # email id → when it was accepted, epoch ms
        self._read_until_ms = 0

    def run(self, stop: threading.Event) -> None:
        """Look once a minute until `stop` is set. A failure is logged, and the next minute goes on from there."""
        while not stop.wait(INTERVAL_S):
            try:
                self.trim(stop)
            except (BotoCoreError, ClientError, PynamoDBException, ServiceUnavailable) as error:
                _log.warning("old emails cannot be deleted: %s", type(error).__name__)

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
        for shard in range(SHARDS):
            newest_first = self._heads.created(shard, None)
            for created_at_ms, email_id in takewhile(lambda found: found[0] > since_ms, newest_first):
                self._known[email_id] = created_at_ms
        self._read_until_ms = now_ms - LATE_MS

    def _delete(self, ids: Sequence[str]) -> int:
        """Delete those of these emails for which nothing is left to do. Returns how many."""
        now_ms = int(self._clock() * 1000)
        heads = self._heads.get_many(list(ids))
        for email_id in set(ids) - {head.email_id for head in heads}:
            del self._known[email_id]  # expired meanwhile
        done = [head for head in heads if due_at_ms(head, now_ms) is None and self._delete_head(head)]
        keys = [key for head in done for key in self._keys(head)]
        for some in _chunks(keys, AT_ONCE):
            requests = [{"DeleteRequest": {"Key": key}} for key in some]
            self._tables.batch_write_item(RequestItems={self._table: requests})
        for head in done:
            del self._known[head.email_id]
        return len(done)

    def _delete_head(self, head: Head) -> bool:
        """Delete the head first: without it there is no such email, and what else there is of it expires.

        Returns False if somebody has written it since it was read: then something may be left to do.
        """
        try:
            self._tables.delete_item(
                TableName=self._table,
                Key=_key(head.email_id, PART),
                ConditionExpression="version = :read",
                ExpressionAttributeValues={":read": {"N": str(head.version)}},
            )
        except self._tables.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _keys(self, head: Head) -> Iterator[dict[str, Any]]:
        """The keys of the other items of the email. Deletes the objects that they name."""
        pages = self._tables.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="email_id = :id",
            ExpressionAttributeValues={":id": {"S": head.email_id}},
            ProjectionExpression="part, object_key",
            ConsistentRead=True,
        )
        for item in (item for page in pages for item in page["Items"]):
            if "object_key" in item:
                self._objects.delete_object(Bucket=self._bucket, Key=item["object_key"]["S"])
            yield _key(head.email_id, item["part"]["S"])
        yield from _index_keys(head)


def _index_keys(head: Head) -> Iterable[dict[str, Any]]:
    """The keys of the items by which the email is found by its recipients."""
    place = recipients.range_key(head.created_at_ms, head.email_id)
    return [_key(recipients.hash_key(address), place) for address in head.recipients]


def _chunks(everything: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(everything), size):
        yield everything[begin : begin + size]


def _key(email_id: str, part: str) -> dict[str, Any]:
    return {"email_id": {"S": email_id}, "part": {"S": part}}
