"""The CloudFormation template, as data."""

from functools import cache
from typing import Any

import yaml  # type: ignore[import-untyped] # because its stubs are another package

from infra.template import TEMPLATE, expand, loader

Loader = loader(lambda name, value: {name: value})  # `!Ref X` becomes {"Ref": X}, `!Sub X` {"Sub": X}, and so on


@cache
def load() -> dict[str, Any]:
    """The whole template. Nobody changes it."""
    found = yaml.load(TEMPLATE.read_text(), Loader)  # noqa: S506 because the loader is a safe one
    return dict(expand(found))


def anchors(text: str) -> list[str]:
    """The anchors and aliases in `text`."""
    return [event.anchor for event in yaml.parse(text, Loader) if getattr(event, "anchor", None)]


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The resources of one type, by their logical names."""
    return {name: found for name, found in load()["Resources"].items() if found["Type"] == kind}
