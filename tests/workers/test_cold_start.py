"""What a worker loads and touches when it is imported: as little as possible, and nothing outside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.providers import registry

ROOT = Path(__file__).parents[2]
HEAVY = ("fastapi", "starlette", "pydantic", "mangum", "boto3", "app.local", "app.api")


@pytest.mark.parametrize("module", ["workers.attempts", "workers.changes", "workers.deliveries", "workers.sweep"])
def test_a_worker_imports_no_web_framework_and_needs_no_environment(module: str) -> None:
    code = f"import {module}, sys; print(sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


# Modules on Python 3.11 in November 2026: 473 and 484; each is cold start.
@pytest.mark.parametrize(("module", "at_most"), [("workers.sweep", 560), ("workers.changes", 570)])
def test_who_calls_nobody_loads_neither_an_http_client_nor_a_provider(module: str, at_most: int) -> None:
    code = f"import {module}, sys; print(len(sys.modules)); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    count, names = done.stdout.splitlines()
    loaded = set(names.split())
    assert {name for name in loaded if name.startswith("app.providers")} == set()
    assert loaded & {"httpx", "httpcore", "cryptography", "app.wiring.process", "app.wiring.parts"} == set()
    assert int(count) < at_most


def test_deliveries_load_no_provider_and_no_other_client() -> None:
    code = "import workers.deliveries, sys; print(len(sys.modules)); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    count, names = done.stdout.splitlines()
    loaded = set(names.split())
    assert {name for name in loaded if name.startswith("app.providers")} == set()
    assert loaded & {"httpx", "cryptography", "app.wiring.process", "app.wiring.parts"} == set()
    assert int(count) < 600  # 537 on Python 3.11 in November 2026; each module is cold start


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
FIRST_ENDPOINT = """
import app.main, os, sys
from app.wiring.process import connect
aws = {"AWS_REGION": "us-east-1", "TOPIC_ARN": "arn:aws:sns:us-east-1:1:topic", "CONTENT_BUCKET": "content"}
parts = connect(aws | {"ADDRESS_SECRET": 32 * "x", "PROVIDERS": "ses"})
calls_out = lambda: bool({"app.outgoing.network", "app.outgoing.signing"} & set(sys.modules))
print("app.wiring.notify" in sys.modules, calls_out())
endpoints = parts.notify().endpoints
print("app.wiring.notify" in sys.modules, calls_out())
endpoints.check_url("https://8.8.8.8/")
print(calls_out())
"""


def test_the_api_loads_what_calls_out_for_the_first_endpoint_only() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_ENDPOINT], cwd=ROOT, env={}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False", "True", "False", "True"]


# Modules: a provider's own, and what only it needs of the libraries. On Python 3.11 in November 2026 one, two and four
# providers made 1,077, 1,087 and 1,105 modules in the API, and 774, 784 and 802 in the worker.
EACH_COSTS_AT_MOST = 15


@pytest.mark.parametrize(("door", "at_most"), [("app.main", 1150), ("workers.attempts", 840)])
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
