"""Reads infra/template.yaml, and writes it as CloudFormation is given it: as JSON, with every lane in full.

`python -m infra.template` prints it.
"""

import json
import sys
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any, Final

import yaml  # type: ignore[import-untyped] # because its stubs are another package

from infra.stages import ROOT

TEMPLATE: Final = ROOT / "infra" / "template.yaml"
FOR_EACH: Final = "Fn::ForEach::"


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


def expand(found: Any) -> Any:
    """What was read, in which each Fn::ForEach is what it stands for: `[NAME, VALUES, FRAGMENT]`.

    Everywhere in the fragment, `${NAME}` becomes each of the values in turn. That is how AWS::LanguageExtensions writes
    it, which would need another right of whoever deploys, and takes no resource that exists already.
    """
    if isinstance(found, list):
        return [expand(one) for one in found]
    if not isinstance(found, dict):
        return found
    expanded: dict[str, Any] = {}
    for key, value in found.items():
        if not key.startswith(FOR_EACH):
            expanded[key] = expand(value)
            continue
        name, values, fragment = value
        for one in values:
            expanded |= expand(_written(fragment, f"${{{name}}}", one))
    return expanded


def _written(fragment: Any, placeholder: str, value: str) -> Any:
    if isinstance(fragment, str):
        return fragment.replace(placeholder, value)
    if isinstance(fragment, list):
        return [_written(one, placeholder, value) for one in fragment]
    if isinstance(fragment, dict):
        return {key.replace(placeholder, value): _written(one, placeholder, value) for key, one in fragment.items()}
    return fragment


def load() -> dict[str, Any]:
    """The whole template, in the long form of every function. The caller may change it."""
    return deepcopy(_read())


@cache  # because reading it takes a quarter of a second, and one deployment asks for it a dozen times
def _read() -> dict[str, Any]:
    found = yaml.load(TEMPLATE.read_text(), _LOADER)  # noqa: S506 because the loader is a safe one
    return dict(expand(found))


@cache
def body() -> str:
    """The template as CloudFormation is given it."""
    return json.dumps(_read())


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
        text = text.replace(f'{{"Fn::GetAtt": ["{logical}", "Arn"]}}', f'{{"Fn::Sub": "{arn}"}}')
        text = text.replace(f'{{"Ref": "{logical}"}}', f'{{"Fn::Sub": "${{TablePrefix}}{name}"}}')
        text = text.replace(f"${{{logical}.Arn}}", arn)
    found = json.loads(text)
    if not with_tables:
        found["Resources"] = {name: value for name, value in found["Resources"].items() if name not in named}
    return json.dumps(found)


def parameters() -> frozenset[str]:
    """The names of the template's parameters."""
    return frozenset(_read()["Parameters"])


if __name__ == "__main__":  # for cfn-lint
    sys.stdout.write(json.dumps(_read(), indent=1) + "\n")
