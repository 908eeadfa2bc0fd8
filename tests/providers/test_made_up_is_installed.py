"""A provider touches three shared files: the example is installed into a copy of the tree, as its page says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.admin.variables import BLOCK

pytestmark = pytest.mark.full

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-a-provider.md"

BY_HAND = {"app/providers/registry.py", "README.md", "CHANGELOG.md"}
GENERATED = {".env.example", "docs/providers/variables.md", "docs/providers/matrix.md"}
OWN_TESTS = "tests/providers/made_up/"
OWN = ("app/providers/made_up/", "app/local/simulator/made_up/", "docs/providers/made_up.md")
FRESH = tuple(f"tests/admin/test_{command}_command.py" for command in ("variables", "matrix"))
# What concerns a new provider. The gate runs all of tests/test_structure.py.
STRUCTURE = tuple(
    f"tests/test_structure.py::test_{name}"
    for name in (
        "files_are_small",
        "every_provider_has_all_its_parts",
        "the_readme_links_the_page_of_every_provider",
        "no_shared_file_names_a_provider",
        "links_lead_somewhere",
        "the_code_that_the_guide_shows_is_that_of_the_example",
        "the_map_of_the_code_is_true",
    )
)


def run(folder: Path, *command: str) -> str:
    """What a command prints in `folder`; it has to succeed. It knows nothing of this run of the tests.

    Not even that this may be the gate, which tries everything in the tree itself: here a part of it does.
    """
    foreign = ("COVERAGE", "COV_", "PYTEST", "PYTHON", "AWS_", "GIT_", "FULL")
    env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    env["GIT_CONFIG_GLOBAL"] = os.devnull
    done = subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def git(folder: Path, *command: str) -> list[str]:
    return run(folder, "git", "-c", "safe.directory=*", *command).splitlines()


def pytest_in(folder: Path, *options: str) -> str:
    return run(folder, sys.executable, "-m", "pytest", "-q", "-x", *options)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of every file that git knows, with the environments of this run. Its index holds all of them."""
    copy = tmp_path_factory.mktemp("copy") / "tree"
    for name in git(ROOT, "ls-files"):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    (copy / ".venv").symlink_to(sys.prefix)
    (copy / ".emulator").symlink_to(ROOT / ".emulator")
    git(copy, "init", "--quiet")
    (copy / ".git" / "info" / "exclude").write_text(".venv\n.emulator\n")
    git(copy, "add", "--all")
    return copy


@pytest.fixture(scope="module")
def installed(before: Path) -> Path:
    """The copy, after the page's own block of shell."""
    (block,) = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    run(before, "bash", "-euc", block)
    return before


def test_three_shared_files_change_by_hand(installed: Path) -> None:
    changed = {
        path: (int(added), int(removed))
        for added, removed, path in (line.split("\t") for line in git(installed, "diff", "--numstat"))
    }
    shared = {path for path in changed if not path.startswith(OWN_TESTS)}
    assert shared - GENERATED == BY_HAND
    assert all(sum(changed[path]) <= 2 for path in BY_HAND), changed
    made = git(installed, "ls-files", "--others", "--exclude-standard")
    assert made
    assert [path for path in made if not path.startswith(OWN)] == []


def test_the_part_of_the_example_that_is_written_by_hand_stays(installed: Path) -> None:
    before, after = ((tree / ".env.example").read_text() for tree in (ROOT, installed))
    assert BLOCK.sub("", before) == BLOCK.sub("", after)
    assert "MADE_UP_API_KEY" in after


def test_it_has_all_its_parts_and_is_asked_what_every_provider_is_asked(installed: Path) -> None:
    suites = (OWN_TESTS, "tests/providers/test_contract.py", "tests/providers/test_limits.py")
    pytest_in(installed, "-k", "made_up or fresh or structure", *suites, *FRESH, *STRUCTURE)


@pytest.mark.timeout(900)
def test_it_is_simulated_and_the_suites_of_all_providers_hold(installed: Path) -> None:
    pytest_in(installed, "tests/providers")
    pytest_in(installed, "tests/local/simulator", "-k", "made_up")
    pytest_in(installed, "tests/fuzz/test_webhook_fuzz.py", "-k", "made_up")
    pytest_in(installed, "tests/test_wiring.py", "tests/test_settings.py", "tests/local/test_environment.py")
    pytest_in(installed, "tests/test_structure.py", "tests/test_words.py")


@pytest.mark.timeout(900)
def test_the_checks_pass(installed: Path) -> None:
    places = ("app/providers/made_up", "app/local/simulator/made_up", "tests/providers/made_up")
    run(installed, sys.executable, "-m", "ruff", "check", *places)
    run(installed, sys.executable, "-m", "ruff", "format", "--check", *places)
    run(installed, sys.executable, "-m", "mypy", *places)
    run(installed, str(Path(sys.prefix) / "bin" / "lint-imports"))
