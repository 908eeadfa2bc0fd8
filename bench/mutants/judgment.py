"""Judges a run of the mutants: compares those that survived with survivors.toml, which lists those that may survive."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LIST: Final = Path(__file__).with_name("survivors.toml")
LEAST: Final = 0.95  # this share of the mutants must be killed, by a test or because its tests took too long


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one mutant.

    `name` says what was changed in which function; it stays the same when lines move. `by` says what killed the mutant:
    the node id of a test, "import" if its module could not be imported, "time" if the tests took too long, or "" if it
    survived. `asked` is the number of tests that were run against it, `of` the number of those that could be.
    """

    name: str
    file: str
    line: int
    diff: str
    by: str
    asked: int
    of: int
    seconds: float


def name_of(file: str, scope: str, before: Sequence[str], after: Sequence[str]) -> str:
    """The name of a mutant, on one line, as survivors.toml and the report write it."""
    was, now = (" ".join(line.strip() for line in lines) for lines in (before, after))
    return f"{file} {scope or '(module)'}: {was} => {now}"


def accepted(path: Path = LIST) -> dict[str, str]:
    """The reason why it may survive, by the name of each mutant that survivors.toml lists."""
    entries = tomllib.loads(path.read_text()).get("accepted", [])
    return {mutant: entry["reason"] for entry in entries for mutant in entry["mutants"]}


@dataclass(frozen=True, slots=True)
class Judgment:
    """The judgment on a run: good if enough mutants were killed, every survivor is listed, and no entry is outdated.

    `reasons` is the list of survivors.toml. `whole` says whether the run covered all mutants: only then can an entry be
    found to be outdated.
    """

    results: Sequence[Result]
    reasons: Mapping[str, str]
    whole: bool

    @property
    def survivors(self) -> list[Result]:
        """The mutants that no test noticed and that survivors.toml does not list, in the order of their files."""
        alive = [result for result in self.results if not result.by and result.name not in self.reasons]
        return sorted(alive, key=lambda result: (result.file, result.line, result.diff))

    @property
    def outdated(self) -> list[str]:
        """The names in survivors.toml of mutants that were killed, or that can no longer be made."""
        alive = {result.name for result in self.results if not result.by}
        return sorted(self.reasons.keys() - alive) if self.whole else []

    @property
    def share(self) -> float:
        """The share of the mutants that were killed, from 0 to 1."""
        return sum(bool(result.by) for result in self.results) / max(len(self.results), 1)

    @property
    def good(self) -> bool:
        """Whether the run succeeds: enough mutants were killed, every survivor is listed, and no entry is outdated."""
        return self.share >= LEAST and not self.survivors and not self.outdated

    def lines(self) -> Iterator[str]:
        """The report, line by line."""
        for result in self.survivors:
            among = "" if result.asked == result.of else f" of {result.of}"
            yield f"{result.file}:{result.line}: " + (
                f"survived {result.asked}{among} tests" if result.asked else "no test runs it"
            )
            yield from (f"    {line}" for line in result.diff.splitlines())
            yield f"    {result.name}"
        for name in self.outdated:
            yield f"listed, but not among the survivors: {name}"
        yield f"{'':16}{'mutants':>9}{'killed':>9}{'share':>8}{'listed':>9}{'not listed':>12}"
        for part in [*sorted({_part(result) for result in self.results}), ""]:
            of_part = [result for result in self.results if _part(result).startswith(part)]
            counted = Counter(self._fate(result) for result in of_part)
            share = counted["killed"] / max(len(of_part), 1)
            yield (
                f"{part or 'all':16}{len(of_part):>9}{counted['killed']:>9}{share:>8.1%}"
                f"{counted['listed']:>9}{counted['not listed']:>12}"
            )

    def _fate(self, result: Result) -> str:
        if result.by:
            return "killed"
        return "listed" if result.name in self.reasons else "not listed"


def _part(result: Result) -> str:
    return result.file.rpartition("/")[0]
