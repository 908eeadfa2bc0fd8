from pathlib import Path

import pytest

from app.local import envfile
from app.local.mode import LocalError
from app.local.paths import REPOSITORY

FILE = """
# a comment
PLAIN=value
export EXPORTED=yes
SPACED = around
QUOTED="with # and 'quotes'"
SINGLE='$HOME' # not expanded
COMMENTED=value # said why
HASH=a#b
EMPTY=
"""


def test_lines_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(FILE)
    assert envfile.read(path) == {
        "PLAIN": "value",
        "EXPORTED": "yes",
        "SPACED": "around",
        "QUOTED": "with # and 'quotes'",
        "SINGLE": "$HOME",
        "COMMENTED": "value",
        "HASH": "a#b",
        "EMPTY": "",
    }


def test_no_file_no_variables(tmp_path: Path) -> None:
    assert envfile.read(tmp_path / ".env") == {}


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("GOOD=1\nnonsense\n")
    with pytest.raises(LocalError, match=r"\.env, line 2"):
        envfile.read(path)


def test_the_example_is_readable_and_changes_nothing() -> None:
    assert envfile.read(REPOSITORY / ".env.example") == {}
