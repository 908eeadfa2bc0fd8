"""An installation, the document, and the collections that Postman and Bruno make of it."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import free_port
from tests.support.installation import Installation

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "build" / "collections" / "node_modules" / ".bin"
DOCUMENT = ROOT / "docs" / "openapi.json"


@dataclass(frozen=True)
class Answer:
    """The answer to one request of a collection."""

    call: str  # method and path of the document: "get /v1/emails/{email_id}"
    status: int
    media_type: str
    body: bytes


@pytest.fixture
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A new one for each collection, because what it retries, revokes and deletes is there once."""
    found = Installation(tmp_path_factory.mktemp("collections"), (free_port(), free_port(), free_port()), {})
    found.start()
    yield found
    found.close()


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return found


def run(program: str, *arguments: str | Path, folder: Path) -> None:
    """Run a program that npm has installed. Fails with what it printed, unless its exit status is 0."""
    assert (PROGRAMS / program).exists(), "npm's packages are missing: run `make collections`"
    command: Sequence[str | Path] = [PROGRAMS / program, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, f"{program}\n{done.stdout}{done.stderr}"
