"""What stands between pytest and a mutant: what watches the tests, chooses them, and hands out the mutated module."""

import time
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import Any, Final

import pytest
from hypothesis import Phase, settings

from bench.mutants.selection import file_of

ROOT: Final = Path(__file__).parents[2]
EMULATED: Final = "aws_endpoint"  # the fixture of the session that starts the AWS emulator

# The same examples each time; that one of them fails is enough, however large it is.
settings.register_profile(
    "mutants", derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate)
)


class Watch:
    """What becomes of the tests of this process, which find an emulator that runs already."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.failed: list[str] = []
        self.seconds: dict[str, float] = {}
        self.about: str = ""
        self.switch: Callable[[str], object] = str  # called with the name of the test whose lines run now

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Tell which test begins, and note how long it took the processor: the clock depends on what else runs."""
        self.about = item.nodeid
        self.switch(self.about)
        begun = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[self.about] = time.process_time() - begun

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        """Lend the emulator; and what a fixture does for several tests, it does for all of the file."""
        if fixturedef.argname == EMULATED:
            fixturedef.cached_result = (self.url, fixturedef.cache_key(request), None)
        if fixturedef.scope == "function":
            return (yield)
        self.switch(file_of(self.about))
        try:
            return (yield)
        finally:
            self.switch(self.about)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note whether it failed."""
        if report.failed and report.nodeid not in self.failed:
            self.failed.append(report.nodeid)


class Only:
    """Keeps the tests of a selection, in its order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.tests = {test: index for index, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Drop the others, and sort."""
        missing = self.tests.keys() - {item.nodeid for item in items}
        # A mutant may change what a test is parametrized with: then all of its cases.
        every = {test.partition("[")[0] for test in missing}
        items[:] = [i for i in items if i.nodeid in self.tests or i.nodeid.partition("[")[0] in every]
        items.sort(key=lambda item: self.tests.get(item.nodeid, len(self.tests)))


class Mutated(SourceFileLoader):
    """Loads one module from another source than its file's."""

    text = ""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 because the protocol has it
        """Compiled each time: nothing of a mutant is kept."""
        return compile(self.text, self.path, "exec", dont_inherit=True)


class Finder(MetaPathFinder):
    """Finds the mutated module before anybody else does."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text
        self.name = ".".join(path.relative_to(ROOT).with_suffix("").parts)

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:  # noqa: ARG002 because the protocol has them
        """Ours, if it is the one."""
        if fullname != self.name:
            return None
        loader = Mutated(fullname, str(self.path))
        loader.text = self.text
        return spec_from_file_location(fullname, self.path, loader=loader)
