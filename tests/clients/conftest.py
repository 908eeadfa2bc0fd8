"""A whole installation, and what `make clients` has installed: an environment of Python, and npm's packages."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import free_port
from tests.support.installation import Installation

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
BUILD = ROOT / "build" / "clients"
DOCUMENT = ROOT / "docs" / "openapi.json"
KEY = "em_local_development"
WAITS = "mailgun"  # what is sent through this account alone waits, and can be canceled


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for all tests of this folder."""
    running = Installation(tmp_path_factory.mktemp("clients"), (free_port(), free_port(), free_port()), {})
    running.start()
    running.api.post(f"/v1/providers/{WAITS}/pause").raise_for_status()
    yield running
    running.close()


@pytest.fixture(scope="session")
def python() -> Path:
    """The Python of the environment that has the generator and what its clients need."""
    path = os.environ.get("CLIENTS_PYTHON")
    if not path:
        pytest.fail("CLIENTS_PYTHON does not name an environment: run `make clients`")
    return Path(path)


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder with npm's packages, which also has the document and the programs."""
    assert (BUILD / "node_modules").is_dir(), "npm's packages are missing: run `make clients`"
    shutil.copy(HERE / "tsconfig.json", BUILD / "tsconfig.json")
    shutil.copy(DOCUMENT, BUILD / "openapi.json")
    shutil.rmtree(BUILD / "programs", ignore_errors=True)
    shutil.copytree(HERE / "programs", BUILD / "programs", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return BUILD


def run(command: Sequence[str | Path], folder: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command. Returns what it printed. Fails with it if its exit status is not 0."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def said(command: Sequence[str | Path], folder: Path, installation: Installation, **env: str) -> dict[str, Any]:
    """What a program printed that used its client against `installation`."""
    of_api = {"EMAILSMINDER_URL": str(installation.api.base_url).rstrip("/"), "EMAILSMINDER_KEY": KEY}
    found: dict[str, Any] = json.loads(run(command, folder, {**of_api, **env}))
    return found


def check(found: Mapping[str, Any], installation: Installation) -> None:
    """Check what a program's client made of each answer against what the installation says."""
    assert found["again"] == found["minimal"] != found["full"]
    assert found["listed"] == [found["full"]]
    assert found["cc"] == ["carol@example.net"]
    assert found["story"] == ["Full", True, ["to", "to", "cc"]]
    assert found["route"] == ["sendgrid"]
    assert found["batch"] == [False, ["to[0]"]]
    assert found["canceled"] == "canceled"
    assert found["suppressed"] == ["manual", None]
    assert found["lifted"] == 204
    assert found["wrong"] == [422, "urn:emailsminder:problem:invalid", ["to[0]"]]
    for name in ("minimal", "full"):
        assert installation.ended(found[name])["status"] == "delivered"
    (message,) = installation.inbox(found["full"])
    assert message["subject"] == "Full"
