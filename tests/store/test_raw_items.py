"""An item that is written and read without a model is the one that its model would be."""

import pytest

from app.store.head_items import HeadItem, as_item, as_raw
from app.store.raw_items import Stored
from tests.support.clock import Clock
from tests.support.samples import a_head

NOW_MS = Clock().now_ms


def test_it_is_written_as_the_model_writes_it() -> None:
    head = a_head(NOW_MS, lease_until_ms=NOW_MS + 5, critical=True, providers=("ses", "mailgun"))
    assert as_raw(head, NOW_MS) == as_item(head, NOW_MS).serialize()


def test_it_is_read_as_the_model_reads_it() -> None:
    raw = as_raw(a_head(NOW_MS, critical=True), NOW_MS)
    model, stored = HeadItem.from_raw_data(raw), Stored(HeadItem, raw)
    assert {name: getattr(stored, name) for name in raw} == {name: getattr(model, name) for name in raw}


def test_what_is_missing_is_none_and_what_is_of_another_type_is_an_error() -> None:
    stored = Stored(HeadItem, {"subject": {"N": "1"}, "recipients": {"S": "{"}, "version": {"N": "many"}})
    assert stored.sender_name is None
    for name in ("subject", "recipients", "version"):
        with pytest.raises((TypeError, ValueError)):
            getattr(stored, name)
