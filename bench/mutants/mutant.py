"""A mutant: one change to one file. `changes` writes mutants as JSON, and the process that tests them reads it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """The source of `file` with the characters from offset `start` up to `end` replaced by `new`."""

    file: str
    start: int
    end: int
    new: str

    def applied(self, source: str) -> str:
        """The mutated source, made from the unchanged `source` of the file."""
        return source[: self.start] + self.new + source[self.end :]

    def line(self, source: str) -> int:
        """The number, counted from 1, of the line in `source` on which the change starts."""
        return source.count("\n", 0, self.start) + 1

    def lines(self, source: str) -> tuple[list[str], list[str]]:
        """The whole lines that the change touches: first as they are in `source`, then as they are after it."""
        first = source.rfind("\n", 0, self.start) + 1
        last = source.find("\n", self.end)
        last = len(source) if last < 0 else last
        after = source[first : self.start] + self.new + source[self.end : last]
        return source[first:last].splitlines(), after.splitlines()

    def diff(self, source: str) -> str:
        """The change for a person to read: the old lines marked with -, then the new ones marked with +."""
        before, after = self.lines(source)
        return "\n".join([*(f"- {line}" for line in before), *(f"+ {line}" for line in after)])


def dumped(mutants: Iterable[Mutant]) -> str:
    """The mutants as JSON, one on each line. `loaded` reads this text."""
    return "".join(json.dumps(asdict(mutant)) + "\n" for mutant in mutants)


def loaded(text: str) -> Iterator[Mutant]:
    """Read the mutants from a text that `dumped` wrote."""
    for line in text.splitlines():
        yield Mutant(**json.loads(line))
