"""A pytest process that has imported everything, and that forks one child for each mutant.

A mutant in the body of a function takes no import: the child gives the existing functions their new code. Code that
runs at import (tables, classes, defaults) cannot be exchanged so: for it, the child imports all of our modules again.
"""

import gc
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import zip_longest
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final

import botocore.session
import coverage
import httpx
import pytest
from botocore.loaders import JSONFileLoader

from bench.mutants.mutant import Mutant
from bench.mutants.plugins import EMULATED, ROOT, Finder, Only, Watch
from bench.mutants.selection import file_of
from bench.mutants.sites import Site

FILES_AT_ONCE: Final = 3  # test files that are imported again first, before all the others: they kill most mutants
# These tests run the code in other processes, which see no mutant, or do not run the code under mutation at all.
ELSEWHERE: Final = (
    *("bench", "browser", "clients", "collections", "deploy", "e2e", "fuzz", "infra", "local"),
    *("test_coverage_marks.py", "test_structure.py"),
)
OURS: Final = ("app", "tests", "workers", "infra")
OPTIONS: Final = (
    "-q",
    "--capture=sys",  # in memory, for children share a file
    "--tb=short",
    "--hypothesis-profile=mutants",
    "--override-ini=addopts=-p no:cacheprovider",
    "--override-ini=tmp_path_retention_policy=none",
    "-Wignore::pytest.PytestAssertRewriteWarning",
)


class Warm:
    """The plugin of the warm process. It calls `work` with itself once the tests are collected.

    A slot is room for one child: at most `slots` of them run at a time, each with an emulator of its own.
    """

    def __init__(self, slots: int, log: Path, work: Callable[["Warm"], object]) -> None:
        self.slots, self.log, self.work = slots, log, work
        self.urls: list[str] = []
        self.items: dict[str, pytest.Item] = {}
        self.imported: dict[str, frozenset[int]] = {}
        self.functions: dict[tuple[str, str, int], list[FunctionType]] = defaultdict(list)
        self._importing = _coverage()
        self._importing.start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Iterator[None]:
        """Note which lines run while the tests are imported, before any test runs."""
        try:
            return (yield)
        finally:
            self._importing.stop()
            data = self._importing.get_data()
            self.imported = {_relative(file): frozenset(data.lines(file) or ()) for file in data.measured_files()}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Do not run the tests. Prepare what every child will need, and call `work`."""
        if session.testsfailed:
            raise session.Interrupted("not every test could be collected")
        self.session = session
        # A test with the marker no_cover is left out: it is not traced, so nothing is known of the lines that it runs.
        self.items = {item.nodeid: item for item in session.items if not item.get_closest_marker("no_cover")}
        for each in gc.get_objects():
            if isinstance(each, FunctionType) and each.__code__.co_filename.startswith(f"{ROOT}/app/"):
                code = each.__code__
                self.functions[code.co_filename, code.co_qualname, code.co_firstlineno].append(each)
        _warm_botocore()
        gc.collect()
        gc.freeze()
        with self._emulators():
            self.work(self)
        return True

    @contextmanager
    def _emulators(self) -> Iterator[None]:
        """Start an emulator for each slot, by the fixture that the tests use."""
        folders: Any = self.session.config._tmp_path_factory  # type: ignore[attr-defined] # because the fixture is called by hand
        (fixture,) = self.session._fixturemanager.getfixturedefs(EMULATED, self.session.items[0]) or ()
        start: Any = contextmanager(fixture.func)
        with ExitStack() as stack:
            for _ in range(self.slots):
                self.urls.append(stack.enter_context(start(folders)))
            yield

    def ask(self, mutant: Mutant, source: str, site: Site, tests: Sequence[str], slot: int, *, anew: bool) -> str:
        """Run the tests against a mutant, in a child. Returns the first test that fails, or "" if none does.

        With `anew`, the modules are imported again; "import" is returned if that fails.
        """
        path, text = ROOT / mutant.file, mutant.applied(source)
        watch = Watch(self.urls[slot])
        if anew or not self._exchange(path, text, site):
            for some in _portions(tests):
                if found := self._ask_anew(Finder(path, text), some, watch, slot):
                    return found
            return ""
        self.run(tests, watch)
        return watch.failed[0] if watch.failed else ""

    def run(self, tests: Sequence[str], watch: Watch, *, on: bool = False) -> None:
        """Run these tests, in a child. Stops at the first one that fails, unless `on` is set."""
        items = [self.items[test] for test in tests]
        self._reset(items, watch)
        self.session.config.pluginmanager.register(watch)
        try:
            for item, following in zip_longest(items, items[1:]):
                item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
                if watch.failed and not on:
                    break
        finally:
            self.session._setupstate.teardown_exact(None)

    def check(self, tests: Sequence[str], slot: int) -> dict[str, Any]:
        """Run these tests without a mutant, in a child.

        Returns the lines that each test ran, the seconds that it took, and the tests that failed.
        """
        watch, watched = Watch(self.urls[slot]), _coverage()
        watch.switch = watched.switch_context
        watched.start()
        self.run(tests, watch, on=True)
        watched.stop()
        data = watched.get_data()
        contexts = {_relative(file): data.contexts_by_lineno(file) for file in data.measured_files()}
        return {"contexts": contexts, "seconds": watch.seconds, "failed": watch.failed}

    def check_anew(self, tests: Sequence[str], slot: int) -> list[str]:
        """Import everything again and run these tests without a mutant, in a child. Returns those that fail."""
        watch = Watch(self.urls[slot])
        self._ask_anew(None, tests, watch, slot, on=True)
        return watch.failed

    def _exchange(self, path: Path, text: str, site: Site) -> bool:
        assert site.function is not None
        name, line = site.function
        code = _code(compile(text, str(path), "exec", dont_inherit=True), name, line)
        functions = self.functions[str(path), name, line]
        if code is None or not functions:
            return False
        try:
            for function in functions:
                function.__code__ = code
        except ValueError:  # the new code closes over other variables than the old code
            return False
        return True

    def _ask_anew(
        self, finder: Finder | None, tests: Sequence[str], watch: Watch, slot: int, *, on: bool = False
    ) -> str:
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] in OURS or (getattr(module, "__file__", None) or "").startswith(f"{ROOT}/tests/"):
                del sys.modules[name]
        sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, Finder)]
        if finder:
            sys.meta_path.insert(0, finder)
        self._reset([self.items[test] for test in tests], watch)
        files = sorted({file_of(test) for test in tests})
        folder = f"--basetemp={self.log.with_name('files')}-{slot}"
        code = pytest.main([*OPTIONS, folder, *([] if on else ["-x"]), *files], plugins=[watch, Only(tests)])
        if watch.failed:
            return watch.failed[0]
        if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            return ""
        if code is pytest.ExitCode.INTERNAL_ERROR:
            raise RuntimeError("pytest itself failed")
        return "import"  # a test file or a conftest could not import the mutated module

    @staticmethod
    def _reset(items: Sequence[pytest.Item], watch: Watch) -> None:
        """Empty the emulator, if one of the tests uses it. Else they would find what an earlier child wrote."""
        if any(EMULATED in getattr(item, "fixturenames", ()) for item in items):
            httpx.post(f"{watch.url}/_ministack/reset", timeout=30).raise_for_status()


def collect(slots: int, log: Path, work: Callable[[Warm], object]) -> int:
    """Collect all the tests that can notice a mutant, then call `work`. Returns pytest's exit status."""
    chosen = [f"--ignore=tests/{name}" for name in ELSEWHERE]
    return pytest.main(
        [*OPTIONS, f"--basetemp={log.with_name('files')}", *chosen, "tests"], plugins=[Warm(slots, log, work)]
    )


def _portions(tests: Sequence[str]) -> Iterator[list[str]]:
    files = list(dict.fromkeys(file_of(test) for test in tests))
    for some in (files[:FILES_AT_ONCE], files[FILES_AT_ONCE:]):
        if some:
            yield [test for test in tests if file_of(test) in some]


def _code(code: CodeType, name: str, line: int) -> CodeType | None:
    """Find the code object of a function in `code`, by its qualified name and first line. Returns None if absent."""
    if (code.co_qualname, code.co_firstlineno) == (name, line):
        return code
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    return next((found for each in inner if (found := _code(each, name, line))), None)


def _coverage() -> coverage.Coverage:
    # Without a config file it measures lines and no branches, by the core that can tell which test ran a line.
    return coverage.Coverage(data_file=None, config_file=False, include=[f"{ROOT}/app/*"])


def _relative(file: str) -> str:
    return Path(file).relative_to(ROOT).as_posix()


def _warm_botocore() -> None:
    """Let botocore read its descriptions of AWS once, here. Every child makes clients, and would parse them again."""
    load = JSONFileLoader.load_file
    once = cache(lambda path: load(JSONFileLoader(), path))
    loader: Any = JSONFileLoader
    loader.load_file = lambda _, file_path: once(file_path)
    for service in ("dynamodb", "s3", "sns", "sqs"):
        botocore.session.get_session().create_client(service, region_name="us-east-1")
