"""Makes every mutant of some files, and writes them to standard output: `python -m bench.mutants.changes FILE…`.

It runs in an environment of its own, which holds mutmut and none of our requirements. An operator makes mutated
variants of one node of a syntax tree. Most operators are mutmut's; mutmut itself would apply them only inside of
functions that have no decorator. Four are ours, because mutmut never shortens a table (and tables hold many of our
rules), never negates a condition, never leaves out a whole call, and never drops one side of an `and` or `or`.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

# Their types are unknown because the environment of the types is another one.
import libcst as cst  # type: ignore[import-not-found]
from libcst.metadata import (  # type: ignore[import-not-found]
    MetadataWrapper,
    WhitespaceInclusivePositionProvider,
)
from mutmut.mutation.mutators import mutation_operators, operator_string  # type: ignore[import-not-found]

from bench.mutants.mutant import Mutant, dumped

# Types do not run, and what a decorator says is the shape of a class (frozen, slots), not what it does.
UNTOUCHED = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom, cst.TypeAlias)


def _shorter(node: cst.Tuple | cst.List | cst.Set | cst.Dict) -> Iterator[cst.CSTNode]:
    """The table without one of its elements, for each element. A tuple without parentheses is not taken for a table."""
    if len(node.elements) > 1 and (node.lpar or not isinstance(node, cst.Tuple)):
        for index in range(len(node.elements)):
            kept: Any = [*node.elements[:index], *node.elements[index + 1 :]]
            yield node.with_changes(elements=[*kept[:-1], kept[-1].with_changes(comma=cst.Comma())])


def _negated(node: cst.If | cst.While | cst.CompIf) -> Iterator[cst.CSTNode]:
    condition = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    yield node.with_changes(test=cst.UnaryOperation(cst.Not(), condition))


def _undone(node: cst.Expr) -> Iterator[cst.CSTNode]:
    if isinstance(node.value, cst.Call | cst.Await | cst.Yield):
        yield cst.Pass()


def _alone(node: cst.BooleanOperation) -> Iterator[cst.CSTNode]:
    yield node.left
    yield node.right


def _marked(node: cst.BaseString) -> Iterator[cst.CSTNode]:
    """The first of mutmut's three mutants of a string: a different text.

    The other two change it to lower and to upper case. A test that notices one of the three notices them all.
    """
    return islice(iter(operator_string(node)), 1)


OPERATORS: Sequence[tuple[Any, Callable[[Any], Any]]] = (
    *((kind, _marked if operator is operator_string else operator) for kind, operator in mutation_operators),
    (cst.Tuple | cst.List | cst.Set | cst.Dict, _shorter),
    (cst.If | cst.While | cst.CompIf, _negated),
    (cst.Expr, _undone),
    (cst.BooleanOperation, _alone),
)


class Finder(cst.CSTVisitor):  # type: ignore[misc] # because its type is unknown
    """Collects the mutants of one file. Each is the least change to the text of the statement around the node."""

    METADATA_DEPENDENCIES = (WhitespaceInclusivePositionProvider,)

    def __init__(self, file: str, source: str) -> None:
        super().__init__()
        self.file, self.source = file, source
        self.found: set[Mutant] = set()
        self._statements: list[tuple[cst.CSTNode, int]] = []  # those that enclose the present node, with their depth
        self._depth = 0
        self._elifs: set[cst.CSTNode] = set()  # in the tree a statement, in the text a part of one
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Mutate this node in every way. Returns whether to visit its children, too."""
        if isinstance(node, UNTOUCHED):
            return False
        if isinstance(node, cst.If) and isinstance(node.orelse, cst.If):
            self._elifs.add(node.orelse)
        if isinstance(node, cst.SimpleStatementLine | cst.BaseCompoundStatement) and node not in self._elifs:
            self._statements.append((node, self._depth))
        if isinstance(node, cst.IndentedBlock | cst.MatchCase):
            self._depth += 1
        for kind, operator in OPERATORS:
            if self._statements and isinstance(node, kind):
                for mutated in operator(node):
                    self._note(node, mutated)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        """Forget what `on_visit` noted about the node's surroundings."""
        if isinstance(original_node, cst.IndentedBlock | cst.MatchCase):
            self._depth -= 1
        if self._statements and self._statements[-1][0] is original_node:
            self._statements.pop()

    def _note(self, node: cst.CSTNode, mutated: cst.CSTNode) -> None:
        statement, depth = self._statements[-1]
        position = self.get_metadata(WhitespaceInclusivePositionProvider, statement).start
        start = self._starts[position.line - 1] + position.column
        before = _text(statement, depth)
        assert self.source.startswith(before, start), f"{self.file}:{position.line} is not where it was expected"
        after = _text(mutated if node is statement else statement.deep_replace(node, mutated), depth)
        if before == after:
            return
        same = _common(before, after)
        tail = _common(before[same:][::-1], after[same:][::-1])
        mutant = Mutant(self.file, start + same, start + len(before) - tail, after[same : len(after) - tail])
        try:
            compile(mutant.applied(self.source), self.file, "exec")
        except SyntaxError:  # `*rest, None` and the like
            return
        self.found.add(mutant)


def _text(statement: Any, depth: int) -> str:
    """A statement's source, indented as it is in its file."""
    for _ in range(depth):
        statement = cst.If(cst.Name("x"), cst.IndentedBlock([statement]))
    return "".join(cst.Module([statement]).code.splitlines(keepends=True)[depth:])


def _common(one: str, other: str) -> int:
    """The length of the longest common prefix of two texts."""
    return next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def mutants_of(file: str, source: str) -> list[Mutant]:
    """Every mutant of a file with this source, sorted by its place in the file."""
    finder = Finder(file, source)
    MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True).visit(finder)
    return sorted(finder.found)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        sys.stdout.write(dumped(mutants_of(name, Path(name).read_text())))
