"""Reads infra/template.yaml, and writes it as CloudFormation is given it: as JSON without a blank too many.

A request may carry 51,200 bytes of template, comments and indentation included.
"""

import json
from typing import Any, Final

import yaml  # type: ignore[import-untyped] # because its stubs are another package

from infra.stages import ROOT

TEMPLATE: Final = ROOT / "infra" / "template.yaml"


class _Loader(yaml.SafeLoader):  # type: ignore[misc] # because YAML is untyped here
    """YAML with CloudFormation's short forms: `!Ref X` becomes {"Ref": X}, `!Sub X` {"Fn::Sub": X}, and so on."""


def _function(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if name in ("Ref", "Condition"):
        return {name: value}
    return {f"Fn::{name}": value.split(".", 1) if name == "GetAtt" else value}


_Loader.add_multi_constructor("!", _function)


def load() -> dict[str, Any]:
    """The whole template, in the long form of every function."""
    return dict(yaml.load(TEMPLATE.read_text(), _Loader))  # noqa: S506 because the loader is a safe one


def body() -> str:
    """The template as CloudFormation is given it."""
    return json.dumps(_smaller(load()), separators=(",", ":"))


def parameters() -> frozenset[str]:
    """The names of the template's parameters."""
    return frozenset(load()["Parameters"])


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
