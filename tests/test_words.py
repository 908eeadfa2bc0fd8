"""The vocabulary: no identifier holds a word that was retired in favour of a standard term (docs/glossary.md)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("app", "workers", "infra", "bench", "tests/support")
# Each word was used as jargon once. Plain English in a sentence stays free: only identifiers are looked at.
RETIRED = frozenset(
    {
        "aftermath",
        "around",
        "askable",
        "barred",
        "bars",
        "bid",
        "company",
        "deaf",
        "desk",
        "dice",
        "doubt",
        "doubted",
        "fact",
        "facts",
        "fair",
        "fire",
        "floor",
        "forsaken",
        "front",
        "fuse",
        "heard",
        "hinders",
        "kin",
        "lapse",
        "lapsed",
        "ledger",
        "leg",
        "letter",
        "letters",
        "listed",
        "looks",
        "lot",
        "news",
        "nudge",
        "praised",
        "puzzling",
        "requeue",
        "requeued",
        "rest",
        "rested",
        "rests",
        "stand",
        "standing",
        "standings",
        "survey",
        "surveyor",
        "tend",
        "tended",
        "tends",
        "terms",
        "tether",
        "told",
        "unheard",
        "unsure",
        "unwilling",
        "vague",
        "verdict",
        "verdicts",
        "weather",
        "wished",
        "wishes",
        "wordless",
    }
)
# Names that are given from outside, or in which the word has its plain meaning.
ALLOWED = frozenset({"dead_letters", "dead_letters_arn", "dead_letter_config", "keep_dead_letters", "DEAD_LETTERS"})
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def identifiers(tree: ast.AST) -> Iterator[str]:
    """Every name that this module gives to something."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.alias(asname=str(name)):
                yield name


def retired(name: str) -> set[str]:
    return set() if name in ALLOWED else {word.lower() for word in WORDS.findall(name)} & RETIRED


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_identifier_holds_a_retired_word(folder: str) -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / folder).rglob("*.py")
        for name in [path.stem, *identifiers(ast.parse(path.read_text()))]
        if retired(name)
    }
    assert found == set()


@pytest.mark.parametrize("name", ["next_leg", "Standing", "is_told", "_LAPSED", "rest_until_ms", "test_fire"])
def test_a_retired_word_is_found_within_a_name(name: str) -> None:
    assert retired(name)


@pytest.mark.parametrize("name", ["dead_letters", "legacy", "restart", "company_name"[:3], "factory"])
def test_words_that_only_look_like_one_are_free(name: str) -> None:
    assert not retired(name)
