"""Imports a CSV of suppressions: what can be read of it is taken, and what cannot is named by its line."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final, TextIO

import typer

from app.admin import suppression_file
from app.admin.environment import fail
from app.admin.output import plain, progress, show
from app.admin.suppression_file import BadLine, Line
from app.domain.own_entries import Fate, bring_in
from app.domain.suppression import Reason
from app.store.suppressions import Suppressions

SIDE_BY_SIDE: Final = 16
AT_ONCE: Final = 1000  # lines that are read before any of them is stored
SHOWN: Final = 50  # bad lines that are named


@dataclass(frozen=True)
class Import:
    """Imports a file. `reason` and `project` hold for lines that name none."""

    suppressions: Suppressions
    reason: Reason | None
    project: str
    now_ms: int

    def __call__(self, file: TextIO, *, as_json: bool) -> None:
        """Import it, and print what became of its lines. Ends the program with status 1 if any is bad."""
        fates: Counter[Fate] = Counter()
        bad: list[BadLine] = []
        broken = ""
        try:
            for fate, line in progress(self._all(file), "importing"):
                if isinstance(line, BadLine):
                    bad.append(line)
                elif fate is not None:
                    fates[fate] += 1
        except (ValueError, UnicodeDecodeError) as fault:
            broken = "is not UTF-8" if isinstance(fault, UnicodeDecodeError) else str(fault)
        if fates or bad or not broken:
            self._report(fates, bad, as_json=as_json)
        if broken:
            fail(f"the file cannot be read to its end: {broken}; the lines before that are imported")
        if bad:
            raise typer.Exit(1)

    def _all(self, file: TextIO) -> Iterator[tuple[Fate | None, Line | BadLine]]:
        lines = suppression_file.read(file, self.reason, self.project, self.now_ms)
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            while True:
                chunk, fault = _chunk(lines)
                yield from zip(pool.map(self._take, chunk), chunk, strict=True)
                if fault is not None:
                    raise fault
                if len(chunk) < AT_ONCE:
                    return

    def _take(self, line: Line | BadLine) -> Fate | None:
        if isinstance(line, BadLine):
            return None
        one = line.suppression
        rule = partial(bring_in, suppression=one, has_time=line.has_time, now_ms=self.now_ms)
        return self.suppressions.take_over(one.address, rule, one.project)

    def _report(self, fates: Counter[Fate], bad: list[BadLine], *, as_json: bool) -> None:
        words = {Fate.TAKEN: "taken", Fate.UNDONE: "lifted here, or taken back, after the line began"}
        counts = [f"  {fates[one]} {words.get(one, one.value)}" for one in Fate if fates[one]]
        counts += [f"  {len(bad)} bad, and not taken" for _ in bad[:1]]
        record = {
            "read": fates.total() + len(bad),
            "fates": {fate.name.lower(): fates[fate] for fate in Fate},
            "bad": [{"line": one.number, "fault": one.fault} for one in bad],
        }
        show("\n".join([f"{record['read']} lines", *counts]), record, as_json=as_json)
        for one in bad[:SHOWN]:
            typer.echo(f"line {one.number}: {plain(one.fault)}", err=True)
        if len(bad) > SHOWN:
            typer.echo(f"and {len(bad) - SHOWN} more; --json names all", err=True)


def _chunk(lines: Iterator[Line | BadLine]) -> tuple[list[Line | BadLine], Exception | None]:
    """The next lines, and what keeps those behind them from being read."""
    found: list[Line | BadLine] = []
    try:
        for line in islice(lines, AT_ONCE):
            found.append(line)  # noqa: PERF402 because what was read before a fault is kept
    except (ValueError, UnicodeDecodeError) as fault:
        return found, fault
    return found, None
