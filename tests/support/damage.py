"""Damages stored items as no version writes them, and reads what is told of it."""

from collections.abc import Mapping
from typing import Any

import pytest
from pynamodb.models import Model

from app.metrics import VIEWS

Raw = Mapping[str, Any]
Key = Mapping[str, str]


def stored(model: type[Model], **key: str) -> Raw | None:
    """The item with this key as DynamoDB writes it."""
    found: Any = _client(model).get_item(
        TableName=model.Meta.table_name, Key={name: {"S": text} for name, text in key.items()}, ConsistentRead=True
    )
    item: Raw | None = found.get("Item")
    return item


def put(model: type[Model], item: Raw) -> None:
    """Store an item, whatever it holds."""
    _client(model).put_item(TableName=model.Meta.table_name, Item=item)


def damaged(item: Raw, changes: Mapping[str, Raw | None]) -> Raw:
    """The item with these attributes instead. None: without that one."""
    return {name: value for name, value in {**item, **changes}.items() if value is not None}


def passed_over(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """What was told to be passed over, each with the key that was logged."""
    lines = [
        vars(record)
        for record in caplog.records
        if any(view.name == "ItemsPassedOver" for view in VIEWS.get((record.name, record.getMessage()), ()))
    ]
    return [(line["item"], line["key"]) for line in lines]


def _client(model: type[Model]) -> Any:
    return model._get_connection().connection.client
