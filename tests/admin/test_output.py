"""Tables, "none", bars, and what a provider's words cannot do to a terminal."""

import io
import json
import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from app.admin.__main__ import app
from app.admin.completion import NAME, VARIABLE
from app.admin.output import plain, progress, show_table, table
from tests.admin.test_mistakes import admin


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_said_as_none() -> None:
    assert table(["A"], []) == "none"


def test_in_a_pipe_a_row_is_one_line_however_long() -> None:
    lines = table(["A", "B"], [("x" * 500, "y z " * 100)]).splitlines()
    assert len(lines) == 2
    assert lines[0].split() == ["A", "B"]


def test_words_of_others_are_no_markup_and_steer_no_terminal() -> None:
    assert table(["A"], [("[red]x[/red] \x1b[31mred\nline\u202e",)]).splitlines()[1] == "[red]x[/red]  [31mred line"
    assert (plain(None), plain(""), plain(0)) == ("–", "–", "0")


def test_json_has_the_records_and_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(["A"], [("ü",)], [{"a": "ü", "b": 1}], as_json=True)
    assert json.loads(capsys.readouterr().out) == [{"a": "ü", "b": 1}]


def test_long_work_has_a_bar_in_a_terminal_and_is_silent_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(progress(range(3), "counting", 3)) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    assert list(progress(range(3), "counting", 3)) == [0, 1, 2]
    assert "counting" in shown.getvalue()


@pytest.mark.parametrize(
    "group", ["emails", "keys", "providers", "suppressions", "dead-letters", "secrets", "bounces", "webhooks"]
)
def test_every_command_that_answers_has_json(group: str) -> None:
    found = get_command(app).commands[group].commands  # type: ignore[attr-defined] # because the root is a group
    assert found
    for name in found:
        assert "--json" in CliRunner().invoke(app, [group, name, "--help"], env={"COLUMNS": "200"}).output, name


@pytest.mark.parametrize(
    ("line", "found"),
    [("pro", "providers"), pytest.param("suppressions add x --rea", "--reason", marks=pytest.mark.full)],
)
def test_words_are_completed_as_zsh_asks(line: str, found: str) -> None:
    asked = {VARIABLE: "complete_zsh", "_TYPER_COMPLETE_ARGS": f"{NAME} {line}"}
    assert found in admin(**asked).stdout


@pytest.mark.full
def test_the_function_of_bash_completes_and_runs_from_any_folder() -> None:
    script = admin("completion", "bash").stdout
    ask = f'COMP_WORDS=({NAME} keys ""); COMP_CWORD=2; _{NAME}; echo "${{COMPREPLY[*]}}"'
    run = f'{NAME} bounces explain "550 5.1.1 user unknown"'
    whole = f"{script}\n{ask}\n{run}"
    done = subprocess.run(["bash", "-c", whole], cwd="/", capture_output=True, text=True, check=True)
    completed, explained, *_ = done.stdout.splitlines()
    assert completed == "create list revoke rotate replace"
    assert explained.startswith("hard bounce: ")
