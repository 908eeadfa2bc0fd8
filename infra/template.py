"""Reads infra/template.yaml, and writes it as CloudFormation is given it: as JSON without a blank too many.

A request may carry 51,200 bytes of template, comments and indentation included.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from functools import cache
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


def body() -> str:
    """The template as CloudFormation is given it."""
    return json.dumps(_smaller(load()), separators=(",", ":"))


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
    dashboard["DashboardBody"]["Fn::Sub"] = json.dumps(
        json.loads(dashboard["DashboardBody"]["Fn::Sub"]), separators=(",", ":")
    )
    return template
