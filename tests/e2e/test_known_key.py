"""The key that everybody knows: revoked once, it stays revoked."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.support.installation import ROOT, Installation

REVOKED = "em_local_development is revoked and stays so"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Installation]:
    """An installation of the test's own."""
    installation = Installation(tmp_path, (free_port(), free_port(), free_port()), {})
    installation.start()
    yield installation
    installation.close()


@pytest.mark.full
def test_a_replaced_key_stays_revoked_over_a_restart_and_the_start_says_so(own: Installation) -> None:
    assert REVOKED not in own.log.read_text()
    command = [sys.executable, "-m", "app.admin", "keys", "replace", "local development"]
    done = subprocess.run(command, cwd=ROOT, env=own.env, capture_output=True, text=True, check=True)
    secret = done.stdout.strip()
    assert secret.startswith("em_")
    assert own.restart() == 0
    assert own.api.get("/v1/emails").status_code == 401
    assert own.api.get("/v1/emails", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert REVOKED in own.log.read_text()
    assert secret not in own.log.read_text()
