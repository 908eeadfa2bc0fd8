"""Turns values into an item as DynamoDB writes it and back, by the attributes of a model.

PynamoDB makes a model of every item first, which takes three times as long. For an item that is written at each step of
each email, and of which a sweep reads thousands, that is a tenth of the whole.
"""

from collections.abc import Mapping
from typing import Any

from pynamodb.attributes import Attribute
from pynamodb.models import Model

Raw = dict[str, Any]


def to_raw(model: type[Model], values: Mapping[str, Any]) -> Raw:
    """The item with these values by the names of the model's attributes. None: without that attribute."""
    attributes: Mapping[str, Attribute[Any]] = model.get_attributes()
    return {
        name: {attributes[name].attr_type: attributes[name].serialize(value)}
        for name, value in values.items()
        if value is not None
    }


class Stored:
    """An item whose attributes are read as those of its model, each when it is asked for. One that is missing is None.

    Raises TypeError or ValueError for what is not of the attribute's type.
    """

    def __init__(self, model: type[Model], raw: Raw) -> None:
        self._attributes: Mapping[str, Attribute[Any]] = model.get_attributes()
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        value = self._raw.get(name)
        if value is None:
            return None
        attribute = self._attributes[name]
        return attribute.deserialize(attribute.get_value(value))
