"""Code that a page of the documentation shows, taken from the file that holds it.

A comment above a block of code names the file, and one definition in it if the block does not show all of it:

    <!-- shows tests/providers/made_up/provider/provider.py: MadeUp.read -->

`python -m tests.support.excerpts PAGE …` writes the blocks of these pages again.
"""

import ast
import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^(<!-- shows ([\w/.-]+)(?:: ([\w.]+))? -->\n```\w+\n).*?^```$", re.MULTILINE | re.DOTALL)


def refreshed(page: str) -> str:
    """The page with every such block written again. Raises LookupError for a definition that is not there."""
    return BLOCK.sub(lambda found: f"{found[1]}{excerpt(ROOT / found[2], found[3] or '')}```", page)


def excerpt(file: Path, definition: str = "") -> str:
    """The text of a file, or of one definition in it with the comment above. `Class.method` names a method."""
    text = file.read_text()
    if not definition:
        return text
    nodes: list[ast.stmt] = ast.parse(text).body
    for name in definition.split("."):
        found = next((node for node in nodes if name in _names(node)), None)
        if found is None:
            raise LookupError(f"{file.name} has no {definition}")
        nodes = found.body if isinstance(found, ast.ClassDef) else []
    lines = text.splitlines(keepends=True)
    decorators = found.decorator_list if isinstance(found, ast.FunctionDef | ast.ClassDef) else []
    start = min(node.lineno for node in (found, *decorators)) - 1
    while lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return textwrap.dedent("".join(lines[start : found.end_lineno]))


def _names(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case _:
            return set()


if __name__ == "__main__":
    for page in map(Path, sys.argv[1:]):
        page.write_text(refreshed(page.read_text()))
