"""What the OpenAPI document tells clients to send, which is less than what is taken from them.

A request's optional field may be null or an empty string, and then counts as left out: that spares people an `if`. A
client that is generated from such a document has four types for every field, and none of the others means anything. So
the document is written without them, and without defaults and titles, from which some generators make fields that must
be given and names that nobody would choose. What is taken exactly is `describe` with `exact`; the fuzz tests use both.
"""

import json
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_UNIONS = ("anyOf", "oneOf")
_LEFT_OUT = ({"type": "null"}, {"type": "string", "const": ""})


def narrow_request(schema: Any) -> Any:
    """A schema of a request without null and the empty string. Its defaults are words of the descriptions."""
    if isinstance(schema, list):
        return [narrow_request(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    narrowed = {name: narrow_request(item) for name, item in schema.items()}
    if "properties" in narrowed:
        narrowed["properties"] = {name: _without_default(item) for name, item in narrowed["properties"].items()}
    return _without_title(_narrow_union(narrowed))


def narrow_answer(schema: Any) -> Any:
    """A schema of an answer in which a field that may be missing is never null, because it is missing then."""
    if isinstance(schema, list):
        return [narrow_answer(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    narrowed = {name: narrow_answer(item) for name, item in schema.items()}
    if "properties" in narrowed:
        required = set(narrowed.get("required", ()))
        narrowed["properties"] = {
            name: _drop(item, "default") if name in required else _narrow_union(_drop(item, "default"))
            for name, item in narrowed["properties"].items()
        }
    return _without_title(narrowed)


def _narrow_union(schema: Schema) -> Schema:
    """The schema with one flat union in place of nested ones. A union of one is that one."""
    union = next((name for name in _UNIONS if name in schema), None)
    if union is None:
        return schema
    members = [member for member in _flat(schema[union]) if member not in _LEFT_OUT]
    if {"type": "number"} in members:
        members = [member for member in members if member != {"type": "integer"}]
    unique = list({json.dumps(member, sort_keys=True): member for member in members}.values())
    about = {name: item for name, item in schema.items() if name != union}
    return {**unique[0], **about} if len(unique) == 1 else {"anyOf": unique, **about}


def _flat(members: list[Schema]) -> Iterator[Schema]:
    for member in members:
        union = next((name for name in _UNIONS if set(member) == {name}), None)
        if union is None:
            yield member
        else:
            yield from _flat(member[union])


def _without_default(schema: Schema) -> Schema:
    default = schema.get("default")
    plain = _drop(schema, "default")
    if default in (None, ""):
        return plain
    words = f"default: `{default if isinstance(default, str) else json.dumps(default)}`"
    return {**plain, "description": f"{plain['description']}; {words}" if "description" in plain else words}


def _without_title(schema: Schema) -> Schema:
    """The schema without its title. A property that is called so has an object in its place, and stays."""
    return _drop(schema, "title") if isinstance(schema.get("title"), str) else schema


def _drop(schema: Schema, name: str) -> Schema:
    return {key: item for key, item in schema.items() if key != name}
