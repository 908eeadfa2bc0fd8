"""Which tests to ask about a mutant, and in which order."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Final

from bench.mutants.mutant import Mutant
from bench.mutants.places import Contexts, Mentions, Place

# Nearly every mutant falls at one of the first tests; what survives those is asked the others, up to a thousand, later.
AT_FIRST_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Known:
    """What one run of all the tests on the unchanged code has recorded.

    `contexts` holds, for each line, who ran it: a test's node id, or a file's name if a fixture did that several tests
    share. `imported` holds the lines that run before the first test. `seconds` holds the CPU time of every test that
    passed, tracing included.
    """

    contexts: Contexts
    imported: Mapping[str, frozenset[int]]
    seconds: Mapping[str, float]

    def dumped(self) -> str:
        """For `loaded`."""
        tests = sorted({test for lines in self.contexts.values() for tests in lines.values() for test in tests})
        number = {test: index for index, test in enumerate(tests)}
        contexts = {
            file: {line: sorted(number[test] for test in found) for line, found in lines.items()}
            for file, lines in self.contexts.items()
        }
        return json.dumps({"tests": tests, "contexts": contexts, "seconds": dict(self.seconds)})

    @classmethod
    def loaded(cls, text: str, imported: Mapping[str, frozenset[int]]) -> "Known":
        """What `dumped` wrote; what is imported, every process knows itself."""
        found = json.loads(text)
        tests = found["tests"]
        contexts = {
            file: {int(line): frozenset(tests[index] for index in found) for line, found in lines.items()}
            for file, lines in found["contexts"].items()
        }
        return cls(contexts, imported, found["seconds"])


@dataclass(frozen=True, slots=True)
class Selection:
    """The tests to ask, in order: `first` so many of them, the others later.

    `anew`: the module must be imported again, for its code has already run.
    """

    tests: tuple[str, ...]
    first: int
    anew: bool


class Selector:
    """Chooses the tests for a mutant by which tests run its lines."""

    def __init__(self, known: Known, mentions: Mentions) -> None:
        self.known, self.mentions = known, mentions
        self._of_file: dict[str, list[str]] = {}
        for test in known.seconds:
            self._of_file.setdefault(file_of(test), []).append(test)

    def __call__(self, mutant: Mutant, place: Place) -> Selection:
        """Those that run the statement. For what runs at import: those that use its name, else those of the file."""
        anew = place.function is None or not self.known.imported.get(mutant.file, frozenset()).isdisjoint(place.lines)
        tests = self._running((mutant.file, line) for line in place.lines)
        if anew:
            names = place.names or {place.scope.rpartition(".")[2]}
            lines, files = self.mentions.of(names)
            tests |= self._running(lines).union(*(self._of_file.get(file, ()) for file in files))
            if not tests:
                tests = self._running((mutant.file, line) for line in self.known.contexts.get(mutant.file, ()))
        ordered = tuple(self._ordered(tests, mutant.file))
        spent = accumulate(self.known.seconds[test] for test in ordered)
        return Selection(ordered, max(1, sum(seconds <= AT_FIRST_S for seconds in spent)), anew)

    def _running(self, lines: Iterable[tuple[str, int]]) -> set[str]:
        contexts = set[str]()
        for file, line in lines:
            contexts |= self.known.contexts.get(file, {}).get(line, frozenset())
        tests = contexts & self.known.seconds.keys()
        return tests.union(*(self._of_file.get(context, ()) for context in contexts - tests))

    def _ordered(self, tests: set[str], mutated: str) -> Iterator[str]:
        """File by file, since their fixtures cost: the mutated file's own tests first, then the quickest."""
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
    """The file of a test, by its node id."""
    return test.partition("::")[0]
