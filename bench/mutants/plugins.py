"""The pytest plugins that watch the tests and select them, and the import hook that loads a mutated module."""

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

# Hypothesis tries the same examples each time, and does not shrink one that fails: it is enough that one fails.
settings.register_profile(
    "mutants", derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate)
)


class Watch:
    """A plugin that notes which tests failed and how long each took. The tests use the AWS emulator at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.failed: list[str] = []
        self.seconds: dict[str, float] = {}
        self.about: str = ""
        self.switch: Callable[[str], object] = str  # called with the name of the test whose lines run now

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Call `switch` with the test that begins, and note its processor time: the clock depends on what else runs."""
        self.about = item.nodeid
        self.switch(self.about)
        begun = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[self.about] = time.process_time() - begun

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        """Give the tests the running emulator. What a fixture does for several tests is counted for the whole file."""
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
        """Note the test if it failed."""
        if report.failed and report.nodeid not in self.failed:
            self.failed.append(report.nodeid)


class Only:
    """A plugin that runs only the given tests, in the given order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.tests = {test: index for index, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Drop the tests that were not chosen, and sort those that were."""
        missing = self.tests.keys() - {item.nodeid for item in items}
        # A mutant may change the parameters of a test, and so the ids of its cases. Then all of its cases are run.
        every = {test.partition("[")[0] for test in missing}
        items[:] = [i for i in items if i.nodeid in self.tests or i.nodeid.partition("[")[0] in every]
        items.sort(key=lambda item: self.tests.get(item.nodeid, len(self.tests)))


class Mutated(SourceFileLoader):
    """Loads a module from `text` instead of its file."""

    text = ""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 because the protocol has it
        """Compile the text each time. Neither a cached file is read nor one written, so nothing of a mutant is kept."""
        return compile(self.text, self.path, "exec", dont_inherit=True)


class Finder(MetaPathFinder):
    """The import hook: finds the one mutated module. It must stand before the other finders of `sys.meta_path`."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text
        self.name = ".".join(path.relative_to(ROOT).with_suffix("").parts)

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:  # noqa: ARG002 because the protocol has them
        """The spec that loads the mutated text, if that module is asked for. Returns None for every other module."""
        if fullname != self.name:
            return None
        loader = Mutated(fullname, str(self.path))
        loader.text = self.text
        return spec_from_file_location(fullname, self.path, loader=loader)
