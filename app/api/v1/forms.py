"""Requests that take several forms of one thing: an address as text or as an object, headers as an object or a list."""

import json
import math
from types import GenericAlias
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    StringConstraints,
    model_validator,
)

# Where a field takes several forms, pydantic puts the form into the location of an error. Clients do not see it.
TEXT, OBJECT, LIST = "[text]", "[object]", "[list]"
FORMS = frozenset({TEXT, OBJECT, LIST})

Item = TypeVar("Item")


def _may_be_left_out(schema: dict[str, Any]) -> None:
    """Declare every optional field as one that may be null or an empty string, too."""
    properties = schema["properties"]
    for name in set(properties) - set(schema.get("required", ())):
        about = {key: value for key, value in properties[name].items() if key in ("title", "description", "default")}
        shape = {key: value for key, value in properties[name].items() if key not in about}
        forms = shape["anyOf"] if set(shape) == {"anyOf"} else [shape]
        empty = [] if {"type": "string"} in forms else [{"type": "string", "const": ""}]
        null = [] if {"type": "null"} in forms else [{"type": "null"}]
        properties[name] = {"anyOf": [*forms, *empty, *null], **about}


class Request(BaseModel):
    """The base of every object in a request: unknown fields and wrong types are refused.

    An optional field that is null or an empty string counts as left out.
    """

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_may_be_left_out)

    @model_validator(mode="before")
    @classmethod
    def _leave_out(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        optional = {field.alias or name for name, field in cls.model_fields.items() if not field.is_required()}
        return {name: item for name, item in value.items() if not (item is None or (item == "" and name in optional))}


def accepting(forms: Any) -> GetPydanticSchema:
    """The annotation of a field whose value has one type after it was read, but is sent in any of these forms."""
    return GetPydanticSchema(lambda _, handler: handler.generate_schema(forms))


def form_of_item(value: object) -> str:
    """The form of an entry that is a text or an object."""
    return OBJECT if isinstance(value, dict) else TEXT


def form_of_mapping(value: object) -> str:
    """The form of pairs that are an object or a list."""
    return LIST if isinstance(value, list) else OBJECT


def _number_as_text(value: object) -> object:
    """A number or a boolean as JSON writes it."""
    if not isinstance(value, bool | int | float):
        return value
    # 1e999 is a number in JSON, but it is read as infinity, which is none.
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a string or a number that is not so large")
    return json.dumps(value)


def blank_as_none(value: object) -> object:
    """None for an empty string."""
    return None if value == "" else value


def _given(items: list[Item | None]) -> list[Item]:
    return [item for item in items if item is not None]


def list_of(item: Any, min_length: int | None = None, max_length: int | None = None) -> Any:
    """The type of a list of `item`, in which an empty string and null count as left out."""
    entry = Annotated[item | None, BeforeValidator(blank_as_none, json_schema_input_type=item | Literal[""] | None)]
    return Annotated[
        GenericAlias(list, (entry,)), Field(min_length=min_length, max_length=max_length), AfterValidator(_given)
    ]


def _one_as_list(value: object) -> object:
    return [value] if isinstance(value, dict | str | int | float) else value


def one_or_list_of(item: Any, max_length: int) -> Any:
    """The type of a list of `item` as `list_of` makes it, where one entry may stand without the list."""
    many = list_of(item, max_length=max_length)
    return Annotated[many, BeforeValidator(_one_as_list, json_schema_input_type=item | many)]


def or_number(max_length: int) -> BeforeValidator:
    """The validator of a text of at most `max_length` characters that may also be sent as a number or a boolean."""
    text = Annotated[str, StringConstraints(max_length=max_length)]
    return BeforeValidator(_number_as_text, json_schema_input_type=text | int | float | bool)
