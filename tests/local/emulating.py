"""The emulator as a child process, for tests: to be started, killed and started again over one DATA_DIR."""

import os
import resource
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from app.local import aws, emulator
from app.local.children import Child
from app.local.environment import deployed

Env = dict[str, str]

needs_limits = pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="only Linux lets another process have a limit for its files"
)

TABLE: dict[str, Any] = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "p", "AttributeType": "S"},
        {"AttributeName": "s", "AttributeType": "N"},
        {"AttributeName": "g", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-g",
            "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
"""A table with a sort key and an index, but for its name."""


class Running:
    """A running emulator and its clients."""

    def __init__(self, env: Mapping[str, str], **options: float) -> None:
        """Start it and wait until it answers. `options` are those of `emulator.program`."""
        self.env = deployed(env)
        self._is_stopped = False
        self.child = Child(emulator.program(self.env, lambda: None, **options), [])
        try:
            self.child.wait_until_ready(20, threading.Event())
        except BaseException:
            self.stop()
            raise
        self.tables, self.objects, self.queues = (aws.client(name, self.env) for name in ("dynamodb", "s3", "sqs"))

    def kill(self) -> None:
        """End it as kill -9 does."""
        os.kill(self.child.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> int | None:
        """End it in order. Returns its exit status."""
        if not self._is_stopped:
            self._is_stopped = True
            self.child.stop(grace_s=20)
        return self.child.exit_code()

    def leave_room(self, size: int | None) -> None:
        """Let no file grow beyond `size` bytes, as on a disk that is full; None: as far as it likes. On Linux only."""
        soft = resource.RLIM_INFINITY if size is None else size
        resource.prlimit(self.child.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))

    def items(self, table: str) -> list[dict[str, Any]]:
        """Every item of a table, in order of the keys."""
        pages = self.tables.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def trouble(self) -> str | None:
        """Why nothing can be kept, in its own words, or None."""
        return emulator.storage_trouble(self.env["AWS_ENDPOINT_URL"])


@contextmanager
def running(env: Mapping[str, str], **options: float) -> Iterator[Running]:
    """An emulator for as long as the block runs."""
    it = Running(env, **options)
    try:
        yield it
    finally:
        it.stop()
