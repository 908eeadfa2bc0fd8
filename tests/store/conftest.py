"""What the tests of the feed share: its table, and a clock that is moved by hand."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from app.store import tables
from app.store.change_items import ChangeItem, LateItem
from tests.support.aws import REGION, Aws
from tests.support.clock import Clock

STARTS_AT_S = 1_800_000_000.0


@pytest.fixture(scope="module")
def feed_table(aws: Aws) -> Iterator[None]:
    """A table of the feed, of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "MODELS", {"changes": (ChangeItem, LateItem)})
        tables.connect(f"test_feed_{uuid4().hex[:8]}-", REGION, aws.endpoint_url)
        tables.create_all()
        yield


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now_s = STARTS_AT_S
    return clock
