"""Finds where in a file a mutant is: in which function, on which lines, and which names its statement binds."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

Line = tuple[str, int]  # file and number
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Site:
    """Where a mutant is. `scope` is the dotted name of the function or class around it, or "" for the module itself.

    `function` is the outermost function whose body holds it, as (dotted name, first line); it is None for code that
    runs at import. `lines` are the lines of the mutant's statement, without those of statements nested in it. `names`
    are the names that a statement outside of functions binds.
    """

    scope: str
    function: tuple[str, int] | None
    lines: range
    names: frozenset[str]


def site(tree: ast.Module, line: int, column: int) -> Site:
    """The site of a line (counted from 1) and a column. The column counts bytes from 0, as in `ast`."""
    at = (line, column)
    node: ast.AST = tree
    scope: list[str] = []
    function: tuple[str, int] | None = None
    lines, names = range(line, line + 1), frozenset[str]()
    while (inner := next((child for child in _statements(node) if _holds(child, at)), None)) is not None:
        node = inner
        lines = _own_lines(node)
        if function is None:
            names = frozenset(_bound(node))
        if isinstance(node, ast.ClassDef | Function):
            scope.append(node.name)
            if isinstance(node, Function) and function is None and (node.body[0].lineno, node.body[0].col_offset) <= at:
                decorators = [decorator.lineno for decorator in node.decorator_list]
                function = (".".join(scope), min([node.lineno, *decorators]))
    return Site(".".join(scope), function, lines, names)


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.match_case | ast.ExceptHandler):
            yield from child.body


def _holds(node: ast.stmt, at: tuple[int, int]) -> bool:
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    return (first, 0) <= at <= (node.end_lineno or 0, node.end_col_offset or 0)


def _own_lines(node: ast.stmt) -> range:
    inner = [child.lineno for child in _statements(node)]
    return range(node.lineno, max(node.lineno + 1, min(inner)) if inner else (node.end_lineno or node.lineno) + 1)


def _bound(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            yield node.name
        case ast.Assign():
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


class Mentions:
    """Finds the lines and the test files that use a name which a module of app/ defines.

    A use may be indirect: a function that uses A also counts as using B, if a module defines A by means of B. Test
    files count because a test may compare two tables without running any line of app/.
    """

    def __init__(self, root: Path) -> None:
        self._lines: dict[str, set[Line]] = defaultdict(set)
        self._tests: dict[str, set[str]] = defaultdict(set)
        self._through: dict[str, set[str]] = defaultdict(set)
        for path in (root / "app").rglob("*.py"):
            self._read(path.relative_to(root).as_posix(), ast.parse(path.read_text()), within=False)
        for path in (root / "tests").rglob("test_*.py"):
            for statement in ast.walk(ast.parse(path.read_text())):
                if isinstance(statement, ast.stmt):
                    for name in _named(statement):
                        self._tests[name].add(path.relative_to(root).as_posix())

    def of(self, names: Iterable[str]) -> tuple[set[Line], set[str]]:
        """The lines inside of functions, and the test files, that would notice if one of `names` had another value."""
        todo, seen = set(names), set[str]()
        while todo:
            name = todo.pop()
            seen.add(name)
            todo |= self._through[name] - seen
        lines = set[Line]().union(*(self._lines[name] for name in seen))
        return lines, set[str]().union(*(self._tests[name] for name in seen))

    def _read(self, file: str, node: ast.AST, *, within: bool) -> None:
        for child in _statements(node):
            inside = within or isinstance(child, Function)
            bound = set() if inside else set(_bound(child))
            for name in _named(child):
                if inside:
                    self._lines[name].update((file, number) for number in _own_lines(child))
                elif not isinstance(child, ast.ClassDef):
                    self._through[name] |= bound - {name}
            self._read(file, child, within=inside)


def _named(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement uses, without those in the statements nested in it."""
    todo: list[ast.AST] = [child for child in ast.iter_child_nodes(statement) if not isinstance(child, ast.stmt)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        todo += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]


class Sources:
    """Reads and parses each of the files under mutation once, and keeps the result."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._texts: dict[str, str] = {}
        self._trees: dict[str, ast.Module] = {}

    def text(self, file: str) -> str:
        """The source of a file, by its path below the root."""
        if file not in self._texts:
            self._texts[file] = (self.root / file).read_text()
        return self._texts[file]

    def site(self, file: str, offset: int) -> Site:
        """The site of the character at `offset` in the source of a file."""
        text = self.text(file)
        if file not in self._trees:
            self._trees[file] = ast.parse(text)
        begins = text.rfind("\n", 0, offset) + 1
        return site(self._trees[file], text.count("\n", 0, offset) + 1, len(text[begins:offset].encode()))


Contexts = Mapping[str, Mapping[int, frozenset[str]]]  # file, line: the tests that run it
