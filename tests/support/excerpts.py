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
_DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
BLOCK = re.compile(r"^(<!-- shows ([\w/.-]+)(?:: ([\w.]+))? -->\n```\w+\n).*?^```$", re.MULTILINE | re.DOTALL)


def refreshed(page: str) -> str:
    """The page with every such block written again. Raises LookupError for a definition that is not there."""
    return BLOCK.sub(lambda found: f"{found[1]}{excerpt(ROOT / found[2], found[3] or '')}```", page)


def excerpt(file: Path, definition: str = "") -> str:
    """The text of a file, or of one definition in it with the comment above. `Class.method` names a method."""
    text = file.read_text()
    if not definition:
        return text
    node: ast.AST = ast.parse(text)
    for name in definition.split("."):
        inside = node.body if isinstance(node, ast.Module | ast.ClassDef) else []
        node = next((one for one in inside if name in _names(one)), ast.Pass())
    if not isinstance(node, _DEFINITIONS):
        raise LookupError(f"{file.name} has no {definition}")  # noqa: TRY004 because the name is wrong, not a type
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
    start = min(one.lineno for one in (node, *decorators)) - 1
    lines = text.splitlines(keepends=True)
    while lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return textwrap.dedent("".join(lines[start : node.end_lineno]))


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
