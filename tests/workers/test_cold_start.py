"""What a worker loads and touches when it is imported: as little as possible, and nothing outside."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("fastapi", "starlette", "pydantic", "mangum", "boto3", "app.local", "app.api")


@pytest.mark.parametrize("module", ["workers.attempts", "workers.sweep"])
def test_a_worker_imports_no_web_framework_and_needs_no_environment(module: str) -> None:
    code = f"import {module}, sys; print(sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_sweep_loads_neither_an_http_client_nor_a_provider() -> None:
    code = "import workers.sweep, sys; print(len(sys.modules)); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    count, names = done.stdout.splitlines()
    loaded = set(names.split())
    assert {name for name in loaded if name.startswith("app.providers")} == set()
    assert loaded & {"httpx", "httpcore", "cryptography", "app.wiring.process", "app.wiring.parts"} == set()
    assert int(count) < 560  # 438 on Python 3.11 in November 2026; each module is cold start
