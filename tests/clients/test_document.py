"""docs/openapi.json is valid OpenAPI 3.1, and good by the rules of the linter that most people use."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.clients.conftest import DOCUMENT, HERE, run


def test_it_is_valid(python: Path) -> None:
    said = run([python.parent / "openapi-spec-validator", "--schema", "3.1", DOCUMENT], DOCUMENT.parent)
    assert said.strip().endswith("OK")


@pytest.mark.npm
def test_the_linter_has_nothing_to_say_but_what_is_explained(node: Path) -> None:
    # In a folder of its own, because openapi-typescript would read the same configuration, and take no exception.
    folder = node / "lint"
    shutil.copytree(HERE / "lint", folder, dirs_exist_ok=True)
    shutil.copy(DOCUMENT, folder / "openapi.json")
    linted = run(["npx", "--no-install", "redocly", "lint", "openapi.json", "--format", "json"], folder)
    totals = json.loads(linted)["totals"]
    assert (totals["errors"], totals["warnings"], totals["ignored"]) == (0, 0, 1)


@pytest.mark.npm
def test_no_schema_is_called_like_something_that_every_program_in_typescript_has(node: Path) -> None:
    library = node / "node_modules" / "typescript" / "lib"
    declared: set[str] = set()
    for name in ("lib.es5.d.ts", "lib.es2015.collection.d.ts", "lib.es2015.promise.d.ts", "lib.dom.d.ts"):
        declaration = r"^(?:interface|type|declare var|declare class|declare function) (\w+)"
        declared.update(re.findall(declaration, (library / name).read_text(encoding="utf-8"), re.MULTILINE))
    assert {"Event", "Map", "Record", "Request"} <= declared
    schemas = set(json.loads(DOCUMENT.read_text(encoding="utf-8"))["components"]["schemas"])
    assert schemas & declared == set()
