"""The repository tests itself: its files, its locks, its entry points, and what its documents promise."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.admin.__main__ import app as admin
from app.providers import registry
from tests.support import excerpts, size

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

LINE_LIMITS = {"app": 250, "workers": 250, "infra": 250, "bench": 250, "tests": 400, "examples": 60}
VAGUE = {"util", "utils", "helper", "helpers", "common", "core", "manager", "managers", "misc", "base"}
# The first word of the language; nothing imports it but as app.domain.email.
NAMED_LIKE_A_STANDARD_MODULE = {"app/domain/email.py"}

# Variables that others define: nothing to configure here.
NOT_OURS = {
    "PATH",
    "BIND_HOST",
    "FORWARDED_ALLOW_IPS",
    "GATEWAY_PORT",
    "MAKELEVEL",
    "NO_PROXY",
    "PYTHONPATH",
    "UVICORN_PORT",
    "UVICORN_RELOAD",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
}

# What only webhooks, the API and laptops need; tests/workers has the web frameworks.
NOT_FOR_WORKERS = ("cryptography", "email_validator", "aiohttp", "uvicorn", "typer", "jinja2")

MACHINE = re.compile(r"(?<![\w.}])/(?:work|root|home|Users|tmp|private)/[\w.]")
REGISTRY = re.compile(r"pythonhosted\.[o]rg|[p]ypi\.org/simple|--(?:extra-)?[i]ndex-url|--[f]ind-links", re.IGNORECASE)


def _sources() -> Iterator[Path]:
    for folder in LINE_LIMITS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def _tracked() -> list[Path]:
    """Every text file that git knows and that is still there."""
    # A checkout may belong to somebody else than the user who tests it.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_files_are_small() -> None:
    long = {
        _name(path): count
        for path in _sources()
        if (count := len(path.read_text().splitlines())) > LINE_LIMITS[_name(path).partition("/")[0]]
    }
    assert long == {}


def _logs_a_traceback(call: ast.Call) -> bool:
    """Whether a call logs one. `exception` is also a method of futures and of `sys`, which take no message."""
    name = ast.unparse(call.func).rpartition(".")[2]
    printed = name in {"print_exc", "print_exception", "format_exc", "format_exception"}
    return (name == "exception" and bool(call.args)) or printed or any(one.arg == "exc_info" for one in call.keywords)


def test_whether_a_fault_has_a_traceback_is_decided_in_one_place() -> None:
    found = {
        _name(path)
        for folder in ("app", "workers")
        for path in (ROOT / folder).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and _logs_a_traceback(call)
    }
    assert found == {"app/faults.py"}


def test_no_two_files_of_tests_have_one_name_where_pytest_imports_them_by_it() -> None:
    """It does so in a folder that is no package, and would then collect no test of the second one, nor run any."""
    by_name: dict[str, list[str]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        if not (path.parent / "__init__.py").exists():
            by_name.setdefault(path.name, []).append(_name(path))
    assert [names for names in by_name.values() if len(names) > 1] == []


def test_files_are_called_after_what_is_in_them() -> None:
    stems = {_name(path): path.stem for path in _sources() if not path.stem.startswith("__")}
    assert {name for name, stem in stems.items() if VAGUE & set(stem.split("_"))} == set()
    standard = {name for name, stem in stems.items() if stem in sys.stdlib_module_names}
    assert standard == NAMED_LIKE_A_STANDARD_MODULE


def test_every_provider_has_all_its_parts() -> None:
    parts = (
        "app/providers/{}/provider.py",
        "app/providers/{}/variables.py",
        "app/providers/{}/limits.py",
        "app/local/simulator/{}/dialect.py",
        "tests/providers/{}/case.py",
        "tests/providers/{}/simulator_case.py",
        "tests/providers/{0}/test_{0}.py",
        "docs/providers/{}.md",
    )
    paths = [part.format(name) for name in registry.PROVIDERS for part in parts]
    assert [path for path in paths if not (ROOT / path).is_file()] == []


def test_the_readme_links_the_page_of_every_provider() -> None:
    readme = (ROOT / "README.md").read_text()
    titles = {name: registry.declaration(name).title for name in registry.PROVIDERS}
    assert [name for name, title in titles.items() if f"[{title}](docs/providers/{name}.md)" not in readme] == []


# The table of names itself, the local default of PROVIDERS, and what the public documents show as examples.
MAY_NAME_PROVIDERS = {"app/providers/registry.py", "app/local/environment.py", "app/api/v1/examples.py"}


SOURCE = re.compile(r'source="[^"]*"')  # the title of a page, which tells of one provider what holds for all


def test_no_shared_file_names_a_provider() -> None:
    names = {*registry.PROVIDERS, *(registry.declaration(name).title for name in registry.PROVIDERS)}
    named = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, names))})(?![a-z0-9])", re.IGNORECASE)
    own = tuple(
        f"{folder}/{name}/" for folder in ("app/providers", "app/local/simulator") for name in registry.PROVIDERS
    )
    shared = [path for path in _tracked() if _name(path).startswith(("app/", "workers/"))]
    found = {
        f"{_name(path)}:{number}: {line.strip()}"
        for path in shared
        if not _name(path).startswith(own) and _name(path) not in MAY_NAME_PROVIDERS
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if named.search(SOURCE.sub("", line))
    }
    assert len(shared) > 100
    assert found == set()


def test_every_variable_that_a_laptop_reads_is_documented() -> None:
    read: set[str] = set()
    for path in (ROOT / "app").rglob("*.py"):
        read.update(re.findall(r'\benv(?:iron)?(?:\.get\(|\[)"([A-Z_]+)"', path.read_text()))
    read.update(import_module("app.local.ports").DEFAULTS)
    documented = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert len(read) > 20
    assert read - NOT_OURS - documented - {"AWS_DEFAULT_REGION"} == set()  # AWS_REGION's sentence tells of that one


def test_workers_carry_nothing_that_only_others_need() -> None:
    doors = "workers.attempts, workers.deliveries, workers.sweep"
    code = f"import {doors}, sys; print(sorted(set(sys.modules) & set({NOT_FOR_WORKERS!r})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_everything_by_hash_and_names_no_address(lock: Path) -> None:
    entries = re.sub(r"\\\n\s*", "", lock.read_text()).splitlines()
    loose = [
        entry for entry in entries if not re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+.*--hash=sha256:[0-9a-f]{64}", entry)
    ]
    assert entries
    assert loose == []
    assert "://" not in lock.read_text()


def test_no_file_knows_the_machine_that_it_was_written_on() -> None:
    found = []
    for path in _tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # a picture
        hits = [match.group() for pattern in (MACHINE, REGISTRY) for match in pattern.finditer(text)]
        found += [(_name(path), hit) for hit in hits]
    assert found == []


def test_every_handler_of_the_deployment_is_there() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    commands = re.findall(r'^CMD \["([\w.]+)"\]', dockerfile, re.MULTILINE)
    assert commands
    stages = json.loads((ROOT / "zappa_settings.json").read_text())
    named = sorted({*commands, *_handlers(stages)})
    assert len(named) >= 3
    for handler in named:
        module, _, attribute = handler.rpartition(".")
        assert callable(getattr(import_module(module), attribute)), handler


def _handlers(settings: Any) -> Iterator[str]:
    """Every dotted name below a key by which Zappa finds something to call."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            if key in ("app_function", "lambda_handler", "function", "exception_handler") and value:
                yield value
            elif key == "callbacks":
                yield from value.values()
            else:
                yield from _handlers(value)
    elif isinstance(settings, list):
        for value in settings:
            yield from _handlers(value)


DOCUMENTS = (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "examples" / "README.md")


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)  # code has none
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    broken = []
    for target in targets:
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            broken.append(target)
    assert broken == []


def test_the_code_that_the_guide_shows_is_that_of_the_example() -> None:
    guide = (ROOT / "docs/adding-a-provider.md").read_text()
    assert len(excerpts.BLOCK.findall(guide)) == guide.count("<!-- shows ") > 5
    assert excerpts.refreshed(guide) == guide, "make excerpts"


def _anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to a document's headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _make_targets(text: str) -> set[str]:
    return set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", text, re.MULTILINE))


def test_the_documents_that_start_with_commands_name_some() -> None:
    for document in ("README.md", "CONTRIBUTING.md"):
        assert _make_targets((ROOT / document).read_text()), document


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_commands_exist(document: Path) -> None:
    text = document.read_text()
    makefiles = "\n".join(path.read_text() for path in (ROOT / "Makefile", *ROOT.glob("*.mk")))
    targets = set(re.findall(r"^([a-z0-9-]+):", makefiles, re.MULTILINE))
    assert _make_targets(text) - targets == set()
    for command in sorted(set(re.findall(r"python -m app\.admin ([a-z-]+(?: [a-z-]+)?)", text))):
        assert CliRunner().invoke(admin, [*command.split(), "--help"]).exit_code == 0, command


def test_the_map_of_the_code_is_true() -> None:
    (tree,) = re.findall(r"^```text\n(app/\n.*?)```", (ROOT / "docs/code-map.md").read_text(), re.MULTILINE | re.DOTALL)
    folders: list[str] = []
    drawn = set()
    for line in tree.splitlines():
        found = re.match(r"( *)([\w.]+/?)(?:  |$)", line)
        if found:
            depth = len(found.group(1)) // 2
            folders[depth:] = [found.group(2)]
            drawn.add("".join(folders))
    assert {path for path in drawn if "NAME" not in path and not (ROOT / path).exists()} == set()
    packages = {f"{_name(path.parent)}/" for path in (ROOT / "app").rglob("__init__.py")}
    packages = {re.sub(rf"/({'|'.join(registry.PROVIDERS)})/$", "/NAME/", package) for package in packages}
    assert packages <= drawn


def _rows(document: str) -> list[list[str]]:
    """The cells of every row of every table of a document, without the heads and the lines below them."""
    lines = [line for line in (ROOT / document).read_text().splitlines() if line.startswith("|")]
    ruled = [index for index, line in enumerate(lines) if re.fullmatch(r"[|: -]+", line)]
    skipped = {*ruled, *(index - 1 for index in ruled)}
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for n, line in enumerate(lines) if n not in skipped]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_the_glossary_has_thirty_words_at_most_each_once_and_is_read_first() -> None:
    words = [row[0] for row in _rows("docs/glossary.md")]
    assert 0 < len(words) <= 30
    assert words == sorted(set(words))
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "CONTRIBUTING.md").read_text())
    assert links[0] == "docs/glossary.md"


@pytest.mark.parametrize("document", ["docs/guarantees.md", "docs/security.md"])
def test_every_guarantee_cites_a_test_that_exists(document: str) -> None:
    rows = _rows(document)
    assert len(rows) >= 20
    for row in rows:
        cited = re.findall(r"`(tests/[\w/]+\.py)`", row[-1])
        assert cited, row
        assert all((ROOT / path).is_file() for path in cited), row


def test_every_decision_is_in_the_index_with_its_status() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    indexed = {re.findall(r"\]\(([^)]+)\)", row[1])[0]: row for row in _rows("docs/decisions/README.md")}
    assert sorted(indexed) == [page.name for page in pages]
    for page in pages:
        title = re.match(r"# (\d+)\. (.+)\n", page.read_text())
        assert title, page.name
        (stated,) = re.findall(r"^Status: (.+) · (\d{4}-\d{2}-\d{2})$", page.read_text(), re.MULTILINE)
        assert page.name.startswith(f"{int(title[1]):04}-")
        assert indexed[page.name] == [title[1], f"[{title[2]}]({page.name})", *stated]


def test_what_is_named_as_slow_exists() -> None:
    missing = []
    for line in size.SLOW:
        name, _, test = line.partition("::")
        text = (ROOT / name).read_text() if (ROOT / name).exists() else ""
        if f"def {test}" not in text:
            missing.append(line)
    assert missing == []
