"""The vocabulary: no name holds a word that was retired in favour of a standard term (docs/glossary.md)."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("app", "workers", "infra", "bench", "tests/support")
# Each word was used as jargon once, and is retired with its plural, its participles and whoever does it (`lapse`:
# lapses, lapsed, lapsing, lapser, unlapsed). Plain English in a sentence stays free: only names are looked at.
RETIRED = frozenset(
    {
        "aftermath",
        "around",
        "askable",
        "bid",
        "company",
        "deaf",
        "desk",
        "dice",
        "doubt",
        "fact",
        "fair",
        "fire",
        "floor",
        "forsaken",
        "front",
        "fuse",
        "hinder",
        "lapse",
        "ledger",
        "leg",
        "letter",
        "lot",
        "nudge",
        "praise",
        "puzzle",
        "requeue",
        "rest",
        "stand",
        "survey",
        "surveyor",
        "tell",
        "tend",
        "tether",
        "vague",
        "verdict",
        "weather",
        "wish",
    }
)
# Forms that the rule does not make, or whose other forms are the field's own words (a list, a term, a look-up).
FORMS = frozenset(
    {
        "barred",
        "bars",
        "heard",
        "kin",
        "listed",
        "looks",
        "news",
        "terms",
        "told",
        "unheard",
        "unsure",
        "untold",
        "unwilling",
        "wishes",
        "wordless",
    }
)
ENDINGS = ("", "s", "ed", "ing", "er", "ers", "ings")
# Names that are given from outside: AWS's, Lambda's and SQS's dead letters, and REST APIs.
GIVEN = re.compile(r"dead_?letters?|rest_?apis?", re.IGNORECASE)
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# Where a place is one under a cap (docs/glossary.md), or an entry of the emulator's journal. Elsewhere it is an index,
# a position in the feed, a location, a folder.
OF_PLACES = frozenset(
    {
        "app/delivery/capacity.py",
        "app/delivery/context.py",
        "app/delivery/places.py",
        "app/delivery/ports.py",
        "app/delivery/project_caps.py",
        "app/delivery/record.py",
        "app/store/places.py",
        "app/store/tables.py",
        "app/wiring/admission.py",
        "app/wiring/parts.py",
        "app/wiring/sandbox.py",
        "app/wiring/stores.py",
        "bench/simulation/stores.py",
        "bench/simulation/worker.py",
        "bench/simulation/world.py",
        "tests/support/harness.py",
        "workers/attempts.py",
    }
)
OF_THE_JOURNAL = "app/local/aws_emulator/"


def identifiers(tree: ast.AST) -> Iterator[str]:
    """Every name that this module gives to something, or hands a value over under."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.keyword(arg=str(name)) | ast.alias(asname=str(name)):
                yield name


def written_names(tree: ast.AST) -> Iterator[str]:
    """The names of metrics, and of fields of log lines and of answers: whatever a dictionary is given as a key."""
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys):
                yield from (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
            case ast.Call(func=ast.Name(id="View"), args=[ast.Constant(value=str(name)), *_]):
                yield name


def forms(word: str) -> set[str]:
    """A word with its plural, its participles and whoever does it, each also with `un`."""
    stems = {word, word.removesuffix("e"), word + word[-1]}
    made = {stem + ending for stem in stems for ending in ENDINGS if stem == word or ending[:1] in ("e", "i")}
    return made | {f"un{one}" for one in made}


ALL_FORMS = FORMS.union(*map(forms, RETIRED))


def retired(name: str) -> set[str]:
    return {word.lower() for word in WORDS.findall(GIVEN.sub("", name))} & ALL_FORMS


@cache
def modules(folder: str) -> list[tuple[str, ast.Module]]:
    """The modules of a folder, by their path from the root."""
    return [(str(path.relative_to(ROOT)), ast.parse(path.read_text())) for path in (ROOT / folder).rglob("*.py")]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_identifier_holds_a_retired_word(folder: str) -> None:
    found = {f"{path}: {name}" for path, tree in modules(folder) for name in identifiers(tree) if retired(name)}
    assert found == set()


@pytest.mark.parametrize("folder", ["app", "workers", "infra"])
def test_no_metric_and_no_field_holds_a_retired_word(folder: str) -> None:
    found = {f"{path}: {name}" for path, tree in modules(folder) for name in written_names(tree) if retired(name)}
    assert found == set()


def test_no_resource_of_the_template_holds_a_retired_word() -> None:
    names = re.findall(r"^ *(?:- )?([A-Za-z:]+):", (ROOT / "infra/template.yaml").read_text(), re.MULTILINE)
    assert len(names) > 100
    assert {name for name in names if retired(name)} == set()


def test_no_file_is_named_by_a_retired_word() -> None:
    folders = (*FOLDERS, "tests", "docs")
    paths = {path for folder in folders for end in ("py", "md") for path in (ROOT / folder).rglob(f"*.{end}")}
    named = {str(path.relative_to(ROOT)) for path in paths if retired(path.stem.replace("-", "_"))}
    assert named == set()


def test_a_place_is_one_under_a_cap() -> None:
    found = {
        f"{path}: {name}"
        for folder in FOLDERS
        for path, tree in modules(folder)
        if path not in OF_PLACES and not path.startswith(OF_THE_JOURNAL)
        for name in identifiers(tree)
        if {"place", "places"} & {word.lower() for word in WORDS.findall(name)}
    }
    assert found == set()


@pytest.mark.parametrize("name", ["Weight", "Evidence", "Place"])
def test_no_two_classes_have_this_name(name: str) -> None:
    found = [
        path
        for path, tree in modules("app")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name == name
    ]
    assert len(found) <= 1, found


@pytest.mark.parametrize(
    "name",
    [
        "next_leg",
        "Standing",
        "is_told",
        "_LAPSED",
        "rest_until_ms",
        "test_fire",
        "untold_in",
        "TELLERS",
        "Telling",
        "ChangesTold",
        "resting",
        "verdicts",
        "untended",
        "stands_for",
        "fusing",
    ],
)
def test_a_retired_word_is_found_within_a_name(name: str) -> None:
    assert retired(name)


@pytest.mark.parametrize(
    "name",
    [
        "dead_letters",
        "DeadLetterConfig",
        "restApiId",
        "legacy",
        "restart",
        "company_name"[:3],
        "factory",
        "listing",
        "term",
    ],
)
def test_words_that_only_look_like_one_are_free(name: str) -> None:
    assert not retired(name)


def test_parameters_and_fields_are_looked_at() -> None:
    tree = ast.parse(
        "def one(*, told): ...\none(untold=1)\nView('ChangesTold', 'Count', x)\nlog.info('x', extra={'looks': 1})"
    )
    assert {name for name in (*identifiers(tree), *written_names(tree)) if retired(name)} == {
        "told",
        "untold",
        "ChangesTold",
        "looks",
    }
