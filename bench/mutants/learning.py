"""Runs all the tests without a mutant, to learn which lines each one runs, how long it takes, and whether it passes."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from bench.mutants import forks
from bench.mutants.selection import Known, file_of
from bench.mutants.warm import Warm

AT_MOST_S = 3600


def learn(warm: Warm, say: Callable[[str], object]) -> Known:
    """Run all the tests without a mutant. A test that fails then is not used for any mutant."""
    halves: list[list[str]] = [[] for _ in range(warm.slots)]
    for index, file in enumerate(sorted({file_of(test) for test in warm.items})):
        halves[index % warm.slots] += [test for test in warm.items if file_of(test) == file]
    contexts: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    seconds: dict[str, float] = {}
    failed = set[str]()

    def add(found: Any) -> None:
        assert found, "the tests took more than an hour"
        seconds.update(found["seconds"])
        failed.update(found["failed"])
        for file, lines in found["contexts"].items():
            for line, tests in lines.items():
                contexts[file][int(line)].update(tests)

    def add_failed(found: Any) -> None:
        assert found is not None, "the tests took more than an hour"
        failed.update(found)

    say("running all the tests twice, without a mutant")
    forks.run([forks.Job(_bound(warm.check, half), AT_MOST_S, add) for half in halves], warm.slots, warm.log)
    forks.run(
        [forks.Job(_bound(warm.check_anew, half), AT_MOST_S, add_failed) for half in halves], warm.slots, warm.log
    )
    for test in sorted(failed):
        say(f"is not asked, because it fails without a mutant: {test}")
    frozen = {file: {line: frozenset(tests) for line, tests in lines.items()} for file, lines in contexts.items()}
    return Known(frozen, warm.imported, {test: took for test, took in seconds.items() if test not in failed})


def _bound(check: Callable[[Sequence[str], int], Any], tests: Sequence[str]) -> Callable[[int], Any]:
    return lambda slot: check(tests, slot)
