"""What a worker loads and touches when it is imported: as little as possible, and nothing outside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.providers import registry

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
    assert int(count) < 560  # 473 on Python 3.11 in November 2026; each module is cold start


CONNECTED = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
from app.wiring.process import connect
names = sys.argv[2].split(",")
prefixed = {f"{name.upper()}_{variable}": "x.example" for name in names for variable in ("API_KEY", "DOMAIN")}
aws = {"AWS_REGION": "us-east-1", "TOPIC_ARN": "arn:aws:sns:us-east-1:1:topic", "CONTENT_BUCKET": "content"}
aws["ADDRESS_SECRET"] = 32 * "x"
connect(prefixed | aws | {"PROVIDERS": ",".join(names)})
packages = {name.split(".")[2] for name in sys.modules if name.startswith("app.providers.")}
print(json.dumps([sorted(packages - {"registry", "sdk"}), len(sys.modules)]))
"""
# Modules: a provider's own, and what only it needs of the libraries. On Python 3.11 in November 2026 one, two and four
# providers made 977, 987 and 1,010 modules in the API, and 703, 713 and 736 in the worker.
EACH_COSTS_AT_MOST = 15


@pytest.mark.parametrize(("door", "at_most"), [("app.main", 1110), ("workers.attempts", 800)])
def test_a_process_loads_the_providers_of_its_accounts_and_no_other(door: str, at_most: int) -> None:
    names = list(registry.PROVIDERS)
    counts = []
    for number in (1, 2, len(names)):
        command = [sys.executable, "-c", CONNECTED, door, ",".join(names[:number])]
        done = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=True)
        loaded, count = json.loads(done.stdout)
        assert loaded == sorted(names[:number])
        counts.append(count)
    assert counts[-1] - counts[0] <= EACH_COSTS_AT_MOST * (len(names) - 1)
    assert counts[-1] < at_most
