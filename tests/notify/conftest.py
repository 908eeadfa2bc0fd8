"""What the tests of this folder share: tables, a clock that is moved by hand, and a worker of deliveries."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from app.store import tables
from tests.support.aws import REGION, Aws
from tests.support.clock import Clock
from tests.support.deliveries import Deliveries

STARTS_AT_S = 1_800_000_000.0  # the beginning of an hour


@pytest.fixture(scope="module")
def feed_tables(aws: Aws) -> None:
    """Tables of this module's own."""
    tables.connect(f"test_notify_{uuid4().hex[:8]}-", REGION, aws.endpoint_url)
    tables.create_all()


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now_s = STARTS_AT_S
    return clock


@pytest.fixture
def deliveries(store: Aws) -> Iterator[Deliveries]:
    """The parts of a worker."""
    parts = Deliveries(timeout_s=4)  # a machine that pauses is no receiver that does not answer
    yield parts
    parts.deliver.close()
