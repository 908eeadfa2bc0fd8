"""`python -m app.admin` as a program of its own."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT, free_port


def admin(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.admin", *arguments]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_every_group_of_commands_is_there() -> None:
    done = admin("--help")
    assert done.returncode == 0
    for group in ("keys", "providers", "suppressions", "openapi"):
        assert f" {group} " in done.stdout


def test_the_api_is_described_without_settings() -> None:
    assert admin("openapi").stdout == (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")


def test_in_local_mode_a_stack_that_does_not_run_is_told(tmp_path: Path) -> None:
    done = admin("suppressions", "list", SIMULATOR_PORT=str(free_port()), DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "start it with make run" in done.stderr
    assert "Traceback" not in done.stderr
