"""Which interpreters are found on a machine, and which are passed over."""

import os
import platform
import sys
from pathlib import Path

import pytest

from infra import interpreters

VERSION = ".".join(platform.python_version_tuple()[:2])


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which only the running interpreter is found."""
    monkeypatch.delenv(interpreters.OVERRIDE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "managed"))
    (tmp_path / "bin").mkdir()


def program(path: Path, says: str, status: int = 0) -> str:
    """A program that prints what an interpreter might, whatever it is asked."""
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
    path.chmod(0o755)
    return str(path)


def test_an_interpreter_says_what_it_is() -> None:
    found = interpreters.ask(sys.executable)
    assert found == interpreters.Interpreter(Path(sys.executable), platform.python_version(), platform.machine())
    assert found.version == VERSION


@pytest.mark.parametrize(
    ("says", "status"),
    [("", 127), ("python3.13: command not found", 127), ("PyPy 3.13.2 x86_64", 0), ("CPython 3.13.2", 0)],
)
def test_what_is_no_cpython_is_none(tmp_path: Path, says: str, status: int) -> None:
    assert interpreters.ask(program(tmp_path / "python", says, status)) is None


def test_a_path_that_leads_nowhere_is_none(tmp_path: Path) -> None:
    assert interpreters.ask(str(tmp_path / "python")) is None


def test_the_running_interpreter_is_taken_if_it_fits() -> None:
    found = interpreters.find(VERSION)
    assert found
    assert found.path == Path(sys.executable)


def test_another_is_found_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = os.path.realpath(sys.executable)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert interpreters.find(VERSION) is None
    (tmp_path / "bin" / f"python{VERSION}").symlink_to(real)
    found = interpreters.find(VERSION)
    assert found
    assert found.version == VERSION


def test_the_override_is_taken_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = program(tmp_path / "python", f"CPython {VERSION}.99 aarch64")
    monkeypatch.setenv(interpreters.OVERRIDE, named)
    assert interpreters.find(VERSION) == interpreters.Interpreter(Path(named), f"{VERSION}.99", "aarch64")


@pytest.mark.parametrize("release", ["3.99.0a1", "3.99.0rc2"])
def test_a_preview_does_not_compile_because_its_bytecode_is_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, release: str
) -> None:
    monkeypatch.setenv(interpreters.OVERRIDE, program(tmp_path / "python", f"CPython {release} x86_64"))
    assert interpreters.find("3.99") is None


def test_the_remedy_is_a_command_that_is_there() -> None:
    command, *arguments = interpreters.remedy("3.13").split()
    assert os.access(command, os.X_OK)
    assert arguments == ["python", "install", "3.13"]
