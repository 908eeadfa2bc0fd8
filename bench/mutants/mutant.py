"""One change to one file: the least that `changes` hands on to the process that tests it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """`file` with the characters from `start` to `end` replaced by `new`."""

    file: str
    start: int
    end: int
    new: str

    def applied(self, source: str) -> str:
        """The mutated source."""
        return source[: self.start] + self.new + source[self.end :]

    def line(self, source: str) -> int:
        """Where it starts, counted from 1."""
        return source.count("\n", 0, self.start) + 1

    def lines(self, source: str) -> tuple[list[str], list[str]]:
        """The lines that it touches, before and after."""
        first = source.rfind("\n", 0, self.start) + 1
        last = source.find("\n", self.end)
        last = len(source) if last < 0 else last
        after = source[first : self.start] + self.new + source[self.end : last]
        return source[first:last].splitlines(), after.splitlines()

    def diff(self, source: str) -> str:
        """What a person reads."""
        before, after = self.lines(source)
        return "\n".join([*(f"- {line}" for line in before), *(f"+ {line}" for line in after)])


def dumped(mutants: Iterable[Mutant]) -> str:
    """One a line, for `loaded`."""
    return "".join(json.dumps(asdict(mutant)) + "\n" for mutant in mutants)


def loaded(text: str) -> Iterator[Mutant]:
    """What `dumped` wrote."""
    for line in text.splitlines():
        yield Mutant(**json.loads(line))
