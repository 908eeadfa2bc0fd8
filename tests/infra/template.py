"""The CloudFormation template, as data."""

from typing import Any

import yaml  # type: ignore[import-untyped] # because its stubs are another package

from infra.template import TEMPLATE


class Loader(yaml.SafeLoader):  # type: ignore[misc] # because YAML is untyped here
    """YAML with CloudFormation's short forms: `!Ref X` becomes {"Ref": X}, `!Sub X` {"Sub": X}, and so on."""


def _short_form(loader: Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix: value}


Loader.add_multi_constructor("!", _short_form)


def load() -> dict[str, Any]:
    """The whole template."""
    return dict(yaml.load(TEMPLATE.read_text(), Loader))  # noqa: S506 because the loader is a safe one


def anchors(text: str) -> list[str]:
    """The anchors and aliases in `text`."""
    return [event.anchor for event in yaml.parse(text, Loader) if getattr(event, "anchor", None)]


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The resources of one type, by their logical names."""
    return {name: found for name, found in load()["Resources"].items() if found["Type"] == kind}
