"""Chooses the tests that are run against a mutant, and the order in which they are run."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Final

from bench.mutants.mutant import Mutant
from bench.mutants.sites import Contexts, Line, Mentions, Site

# The first tests of a selection take this many seconds together. They kill nearly every mutant. A mutant that survives
# them is tested with the others later, of which there may be a thousand.
AT_FIRST_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Known:
    """What was recorded when all the tests ran on the unchanged code.

    `contexts` holds for each line what ran it: a test's node id, or the name of a test file if the line was run by a
    fixture that several tests of the file share. `imported` holds the lines that ran at import, before the first test.
    `seconds` holds the CPU time of every test that passed; it includes what the tracing of lines took.
    """

    contexts: Contexts
    imported: Mapping[str, frozenset[int]]
    seconds: Mapping[str, float]

    def dumped(self) -> str:
        """All but `imported`, as JSON. `loaded` reads this text."""
        tests = sorted({test for lines in self.contexts.values() for tests in lines.values() for test in tests})
        number = {test: index for index, test in enumerate(tests)}
        contexts = {
            file: {line: sorted(number[test] for test in found) for line, found in lines.items()}
            for file, lines in self.contexts.items()
        }
        return json.dumps({"tests": tests, "contexts": contexts, "seconds": dict(self.seconds)})

    @classmethod
    def loaded(cls, text: str, imported: Mapping[str, frozenset[int]]) -> "Known":
        """Read what `dumped` wrote. `imported` is given, because each process notes it while it imports the tests."""
        found = json.loads(text)
        tests = found["tests"]
        contexts = {
            file: {int(line): frozenset(tests[index] for index in found) for line, found in lines.items()}
            for file, lines in found["contexts"].items()
        }
        return cls(contexts, imported, found["seconds"])


@dataclass(frozen=True, slots=True)
class Selection:
    """The tests to run against a mutant, in order. The first `first` of them are run at once, the others later.

    With `anew`, the mutated module must be imported again, because the changed code runs at import.
    """

    tests: tuple[str, ...]
    first: int
    anew: bool


class Selector:
    """Chooses the tests for a mutant by which tests run the lines of the changed statement."""

    def __init__(self, known: Known, mentions: Mentions) -> None:
        self.known, self.mentions = known, mentions
        self._of_file: dict[str, list[str]] = {}
        for test in known.seconds:
            self._of_file.setdefault(file_of(test), []).append(test)

    def __call__(self, mutant: Mutant, site: Site) -> Selection:
        """The tests that run the changed statement.

        A statement that runs at import is run before any test. For it, these are the tests that run or contain a use of
        the names that it binds; if there are none, all tests that run any line of the file, or else of its folder.
        """
        anew = site.function is None or not self.known.imported.get(mutant.file, frozenset()).isdisjoint(site.lines)
        tests = self._running((mutant.file, line) for line in site.lines)
        if anew:
            names = site.names or {site.scope.rpartition(".")[2]}
            lines, files = self.mentions.of(names)
            tests |= self._running(lines).union(*(self._of_file.get(file, ()) for file in files))
            if not tests:
                tests = self._running((mutant.file, line) for line in self.known.contexts.get(mutant.file, ()))
            if not tests:
                tests = self._running(self._lines_beside(mutant.file))
        ordered = tuple(self._ordered(tests, mutant.file))
        spent = accumulate(self.known.seconds[test] for test in ordered)
        return Selection(ordered, max(1, sum(seconds <= AT_FIRST_S for seconds in spent)), anew)

    def _lines_beside(self, file: str) -> Iterator[Line]:
        folder = PurePosixPath(file).parent
        for other, lines in self.known.contexts.items():
            if PurePosixPath(other).parent == folder:
                yield from ((other, line) for line in lines)

    def _running(self, lines: Iterable[tuple[str, int]]) -> set[str]:
        contexts = set[str]()
        for file, line in lines:
            contexts |= self.known.contexts.get(file, {}).get(line, frozenset())
        tests = contexts & self.known.seconds.keys()
        return tests.union(*(self._of_file.get(context, ()) for context in contexts - tests))

    def _ordered(self, tests: set[str], mutated: str) -> Iterator[str]:
        """Order the tests by file, because tests of one file share fixtures that take long to set up.

        The files named after the mutated module come first, then those in a folder named after its package, then the
        quickest. Within a file, the quickest test comes first.
        """
        by_file: dict[str, list[str]] = {}
        for test in sorted(tests, key=lambda test: (self.known.seconds[test], test)):
            by_file.setdefault(file_of(test), []).append(test)
        path = PurePosixPath(mutated)

        def rank(file: str) -> tuple[bool, bool, float]:
            seconds = sum(self.known.seconds[test] for test in by_file[file])
            return path.stem not in file, f"/{path.parent.name}/" not in file, seconds

        for file in sorted(by_file, key=rank):
            yield from by_file[file]


def file_of(test: str) -> str:
    """The path of the file that a test is in, taken from its node id."""
    return test.partition("::")[0]
