"""Reads infra/template.yaml, and writes it as CloudFormation is given it: as JSON without a blank too many.

A request may carry 51,200 bytes of template, comments and indentation included.
"""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from itertools import pairwise, zip_longest
from typing import Any, Final

import yaml  # type: ignore[import-untyped] # because its stubs are another package

from infra.stages import ROOT

TEMPLATE: Final = ROOT / "infra" / "template.yaml"


def loader(write: Callable[[str, Any], dict[str, Any]]) -> type[Any]:
    """A loader of YAML with CloudFormation's short forms: `!NAME value` becomes `write(NAME, value)`."""

    class Loader(yaml.SafeLoader):  # type: ignore[misc] # because YAML is untyped here
        """A class of its own, because constructors are added to classes."""

    def construct(found: Loader, name: str, node: yaml.Node) -> dict[str, Any]:
        if isinstance(node, yaml.ScalarNode):
            return write(name, found.construct_scalar(node))
        if isinstance(node, yaml.SequenceNode):
            return write(name, found.construct_sequence(node, deep=True))
        return write(name, found.construct_mapping(node, deep=True))

    Loader.add_multi_constructor("!", construct)
    return Loader


def _long_form(name: str, value: Any) -> dict[str, Any]:
    if name in ("Ref", "Condition"):
        return {name: value}
    return {f"Fn::{name}": value.split(".", 1) if name == "GetAtt" else value}


_LOADER = loader(_long_form)


def load() -> dict[str, Any]:
    """The whole template, in the long form of every function. The caller may change it."""
    return deepcopy(_read())


@cache  # because reading it takes a quarter of a second, and one deployment asks for it a dozen times
def _read() -> dict[str, Any]:
    return dict(yaml.load(TEMPLATE.read_text(), _LOADER))  # noqa: S506 because the loader is a safe one


@cache
def body() -> str:
    """The template as CloudFormation is given it."""
    return json.dumps(_smaller(load()), separators=(",", ":"))


@cache
def tables() -> Mapping[str, str]:
    """The tables, by their names in the template: what follows TABLE_PREFIX in the name of each."""
    return {
        logical: found["Properties"]["TableName"]["Fn::Sub"].removeprefix("${TablePrefix}")
        for logical, found in json.loads(body())["Resources"].items()
        if found["Type"] == "AWS::DynamoDB::Table"
    }


def detached(*, with_tables: bool) -> str:
    """The template, in which everything else knows the tables by their names, so that they may leave it or come in."""
    text, named = body(), tables()
    for logical, name in named.items():
        arn = f"arn:${{AWS::Partition}}:dynamodb:${{AWS::Region}}:${{AWS::AccountId}}:table/${{TablePrefix}}{name}"
        text = text.replace(f'{{"Fn::GetAtt":["{logical}","Arn"]}}', f'{{"Fn::Sub":"{arn}"}}')
        text = text.replace(f'{{"Ref":"{logical}"}}', f'{{"Fn::Sub":"${{TablePrefix}}{name}"}}')
        text = text.replace(f"${{{logical}.Arn}}", arn)
    found = json.loads(text)
    if not with_tables:
        found["Resources"] = {name: value for name, value in found["Resources"].items() if name not in named}
    return json.dumps(found, separators=(",", ":"))


def parameters() -> frozenset[str]:
    """The names of the template's parameters."""
    return frozenset(_read()["Parameters"])


def _smaller(template: dict[str, Any]) -> dict[str, Any]:
    """Without what only people and tools read: descriptions of parameters, metadata, the blanks in the dashboard."""
    del template["Metadata"]
    template["Parameters"] = {
        name: {key: value for key, value in found.items() if key != "Description"}
        for name, found in template["Parameters"].items()
    }
    dashboard = template["Resources"]["Dashboard"]["Properties"]
    body = json.loads(dashboard["DashboardBody"]["Fn::Sub"])
    for widget in body["widgets"]:
        widget["properties"]["metrics"] = _shorthand(widget["properties"]["metrics"])
    dashboard["DashboardBody"]["Fn::Sub"] = json.dumps(body, separators=(",", ":"))
    return template


def _shorthand(rows: list[list[Any]]) -> list[list[Any]]:
    """The metrics of a widget, with a point for each word that is the same as in the row above.

    "Dashboard Body Structure and Syntax", CloudWatch API Reference, read 2026-11-30. Only rows of one namespace are
    shortened, and none that is next to another shorthand or to an expression.
    """
    shortened = []
    for before, row in pairwise([[], *rows]):
        if before and row[0] == before[0] != "...":
            pairs = zip_longest(row, before[: len(row)])
            shortened.append(["." if word == above and isinstance(word, str) else word for word, above in pairs])
        else:
            shortened.append(row)
    return shortened
