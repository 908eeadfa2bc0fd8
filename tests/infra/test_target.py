"""For which runtime and architecture a package is built, and whatever else must follow the settings."""

import json
import platform
import re
import sys
from pathlib import Path

import pytest

from app.errors import ConfigurationError
from infra import target
from infra.interpreters import OVERRIDE
from infra.package import main
from infra.stages import ROOT, SETTINGS, settings
from infra.target import Target

ARM = {"runtime": "python3.14", "architecture": "arm64"}


@pytest.fixture(autouse=True)
def _nothing_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OVERRIDE, raising=False)


def override(monkeypatch: pytest.MonkeyPatch, path: Path, says: str) -> None:
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    monkeypatch.setenv(OVERRIDE, str(path))


def test_every_function_runs_the_same_python_on_the_same_machine() -> None:
    assert len({target.wanted(settings(name)) for name in json.loads(SETTINGS.read_text())}) == 1


@pytest.mark.parametrize(
    ("said", "version", "wheels"),
    [
        ({"runtime": "python3.13"}, "3.13", "manylinux2014_x86_64"),
        (ARM, "3.14", "manylinux2014_aarch64"),
    ],
)
def test_wheels_are_those_of_the_settings(said: dict[str, str], version: str, wheels: str) -> None:
    found = target.wanted(said)
    assert (found.version, found.platform) == (version, wheels)


def test_an_interpreter_that_is_named_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OVERRIDE, sys.executable)
    found = target.wanted(ARM)
    assert found.version == ".".join(platform.python_version_tuple()[:2])
    assert found.architecture == {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]


def test_the_kernel_s_name_of_a_machine_is_not_lambda_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    override(monkeypatch, tmp_path / "python", "CPython 3.12.1 aarch64")
    assert target.wanted(ARM) == Target("python3.12", "arm64")


def test_a_machine_that_lambda_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    override(monkeypatch, tmp_path / "python", "CPython 3.12.1 riscv64")
    with pytest.raises(ConfigurationError, match="Lambda has no riscv64: only x86_64 and arm64"):
        target.wanted(ARM)


def test_what_is_named_and_no_interpreter_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(OVERRIDE, str(tmp_path / "python"))
    with pytest.raises(ConfigurationError, match=f"{OVERRIDE}: .*python is no Python: name an interpreter"):
        target.wanted(ARM)


@pytest.mark.parametrize("path", ["Makefile", ".ci/run"])
def test_an_installation_prefers_the_python_that_lambda_runs(path: str) -> None:
    order = re.search(r"for python in (\S+)", (ROOT / path).read_text())
    assert order
    assert order[1] == settings("production")["runtime"]


def test_the_documents_name_the_runtimes_and_how_to_get_an_interpreter_of_the_chosen_one() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    assert set(re.findall(r"`(python3\.\d+)`", page)) == set(target.RUNTIMES)
    assert re.findall(r"uv python install (\S+)", page) == [target.wanted(settings("production")).version]


@pytest.mark.parametrize(
    ("stage", "named", "said"),
    [
        ("prod", "", "prod: zappa_settings.json has no stage prod, only production, production_attempts_urgent"),
        ("dev", "/nowhere/python", f"dev: {OVERRIDE}: /nowhere/python is no Python"),
    ],
)
def test_a_package_that_cannot_be_built_says_why(
    monkeypatch: pytest.MonkeyPatch, stage: str, named: str, said: str
) -> None:
    monkeypatch.setenv(OVERRIDE, named)
    with pytest.raises(SystemExit) as raised:
        main([stage])
    assert str(raised.value).startswith(said)
