"""`make mutants`: tests the mutants and reports which of them survive. The package describes how.

The results are kept: a mutant is tested again only after the code or the tests have changed. Variables choose what is
tested: SAMPLE=300 takes that many mutants at random (SEED=1 seeds the choice); ONLY=app/domain/head.py takes those of
one folder, file or line (app/domain/head.py:90); SURVIVORS=1 takes those that survived the last run. JOBS=2 tests two
at a time.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from bench.mutants import forks, warm
from bench.mutants.judgment import Judgment, Result, accepted, name_of
from bench.mutants.learning import learn
from bench.mutants.mutant import Mutant, loaded
from bench.mutants.plugins import ROOT
from bench.mutants.selection import Known, Selector
from bench.mutants.sites import Mentions, Sources
from bench.mutants.warm import Warm

FOLDER = ROOT / "build" / "mutants"
FOLDERS = ("app/domain", "app/delivery", "app/providers", "app/store")
# The CPU seconds that a mutant's tests may take: PATIENCE times what they took without it, and GRACE_S more.
PATIENCE = 3
GRACE_S = 10


def main() -> int:
    """Test the mutants and print the report. Returns the exit status: 0 if the judgment on the run is good."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the children end, too
    os.environ.pop("CI", None)  # it would choose a profile of hypothesis
    run = Run()
    if not run.todo:
        _say("nothing to ask that was not asked before")
    elif status := warm.collect(run.slots, FOLDER / "log.txt", run.work):
        return status
    judgment = Judgment([run.results[mutant] for mutant in run.chosen], accepted(), whole=run.whole)
    for line in judgment.lines():
        _say(line)
    return 0 if judgment.good else 1


class Run:
    """One run: which mutants were chosen, which of them are still to be tested, and the results."""

    def __init__(self) -> None:
        self.slots = int(os.environ.get("JOBS") or os.cpu_count() or 1)
        self.sources = Sources(ROOT)
        self.began = time.monotonic()
        mutants = _mutants(_files(*FOLDERS))
        self.file = FOLDER / f"results-{_digest('bench/mutants')}.jsonl"
        self.results = self._before(mutants)
        self.chosen = list(self._chosen(mutants))
        self.whole = len(self.chosen) == len(mutants)
        self.todo = [mutant for mutant in self.chosen if not self._is_done(mutant)]
        random.Random(0).shuffle(self.todo)  # noqa: S311 because a run that is broken off has then seen some of everything
        _say(f"{len(mutants)} mutants, {len(self.chosen)} chosen, {len(self.todo)} to test")

    def work(self, process: Warm) -> None:
        """Test the mutants that are left to test. This runs in the warm process, once it has collected the tests."""
        select = Selector(_known(process), Mentions(ROOT))
        self.began = time.monotonic()
        with self.file.open("a") as file:
            for todo in (
                [mutant for mutant in self.todo if mutant not in self.results],
                (mutant for mutant in self.todo if not self._is_done(mutant)),  # lazy: it needs the first results
            ):
                forks.run((self._job(process, select, mutant, file) for mutant in todo), self.slots, process.log)

    def _is_done(self, mutant: Mutant) -> bool:
        result = self.results.get(mutant)
        return result is not None and (result.by != "" or result.asked == result.of)

    def _job(self, process: Warm, select: Selector, mutant: Mutant, file: TextIO) -> forks.Job:
        source, site = self.sources.text(mutant.file), self.sources.site(mutant.file, mutant.start)
        selection = select(mutant, site)
        before = self.results.get(mutant)
        tests = selection.tests[before.asked :] if before else selection.tests[: selection.first]
        begun = time.monotonic()

        def work(slot: int) -> str:
            return process.ask(mutant, source, site, tests, slot, anew=selection.anew) if tests else ""

        def answered(by: str | None) -> None:
            name = name_of(mutant.file, site.scope, *mutant.lines(source))
            killer = "time" if by is None else by
            seconds = round(time.monotonic() - begun, 2)
            asked = len(tests) + (before.asked if before else 0)
            found = (
                mutant.file,
                mutant.line(source),
                mutant.diff(source),
                killer,
                asked,
                len(selection.tests),
                seconds,
            )
            result = Result(name, *found)
            self.results[mutant] = result
            file.write(json.dumps([asdict(mutant), asdict(result)]) + "\n")
            file.flush()
            self._progress()

        patience = GRACE_S + int(PATIENCE * sum(select.known.seconds[test] for test in tests))
        return forks.Job(work, patience, answered)

    def _progress(self) -> None:
        done = [self.results[mutant] for mutant in self.todo if mutant in self.results]
        if len(done) % 100 == 0:
            alive = sum(not result.by for result in done)
            each = (time.monotonic() - self.began) / len(done)
            _say(f"{len(done)} of {len(self.todo)}: {alive} survive, {each:.2f} s each")

    def _before(self, mutants: Sequence[Mutant]) -> dict[Mutant, Result]:
        known = set(mutants)
        if not self.file.exists():
            return {}
        entries = [json.loads(line) for line in self.file.read_text().splitlines()]
        results = {Mutant(**mutant): Result(**result) for mutant, result in entries}
        return {mutant: result for mutant, result in results.items() if mutant in known}

    def _chosen(self, mutants: Sequence[Mutant]) -> Iterator[Mutant]:
        path, _, line = os.environ.get("ONLY", "").partition(":")
        chosen = [mutant for mutant in mutants if mutant.file.startswith(path)]
        if line:
            chosen = [each for each in chosen if each.line(self.sources.text(each.file)) == int(line)]
        if os.environ.get("SURVIVORS"):
            names = _survived()
            chosen = [each for each in chosen if self._name(each) in names]
        if sample := int(os.environ.get("SAMPLE") or 0):
            chance = random.Random(os.environ.get("SEED") or "1")  # noqa: S311 because it keeps no secret
            chosen = sorted(chance.sample(chosen, min(sample, len(chosen))))
        yield from chosen

    def _name(self, mutant: Mutant) -> str:
        source, site = self.sources.text(mutant.file), self.sources.site(mutant.file, mutant.start)
        return name_of(mutant.file, site.scope, *mutant.lines(source))


def _mutants(files: Sequence[Path]) -> list[Mutant]:
    """Every mutant of `files`. They are made once, and kept in a file until one of `files` or `changes` is changed."""
    kept = FOLDER / f"mutants-{_digest_of([*files, Path(__file__).with_name('changes.py')])}.jsonl"
    if not kept.exists():
        python = os.environ.get("MUTANTS_PYTHON") or str(ROOT / ".mutants" / "bin" / "python")
        names = [path.relative_to(ROOT).as_posix() for path in files]
        command = [python, "-m", "bench.mutants.changes", *names]
        made = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        kept.write_text(made.stdout)
    return list(loaded(kept.read_text()))


def _known(process: Warm) -> Known:
    """What is known of the tests. It is learned once, and kept in a file until the code or the tests are changed."""
    kept = FOLDER / f"known-{_digest()}.json"
    with suppress(FileNotFoundError):
        return Known.loaded(kept.read_text(), process.imported)
    known = learn(process, _say)
    kept.write_text(known.dumped())
    return known


def _survived() -> set[str]:
    """The names of the mutants that survived in the newest file of results."""
    files = sorted(FOLDER.glob("results-*.jsonl"), key=lambda path: path.stat().st_mtime)
    entries = [json.loads(line) for line in files[-1].read_text().splitlines()] if files else []
    return {result["name"] for _, result in entries if not result["by"]}


def _files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _digest(*more: str) -> str:
    """A hash of the code, the tests, the pinned requirements, and the folders `more`. It changes when they do."""
    return _digest_of([*_files("app", "workers", "tests", *more), ROOT / "requirements" / "dev.txt"])


def _digest_of(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(ROOT)}\n{path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _say(line: str) -> None:
    print(line, file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    sys.exit(main())
