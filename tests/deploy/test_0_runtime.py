"""The zip for the runtime of zappa_settings.json, which the emulator cannot run: looked into, and run without it."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from infra import interpreters
from infra.interpreters import OVERRIDE
from infra.package import build
from infra.stages import ROOT, settings
from infra.target import RUNTIMES, Target
from tests.deploy.alone import call, http, unpack
from tests.deploy.cloud import ENVIRONMENT
from tests.support.aws import Aws

RUNTIME = settings(ENVIRONMENT)["runtime"]
VERSION = RUNTIME.removeprefix("python")
GLIBC = (2, 34)  # Amazon Linux 2023's
# Field e_machine of an ELF file ("System V ABI", machine numbers EM_X86_64 and EM_AARCH64).
ELF_MACHINES = {"x86_64": 62, "arm64": 183}
WHEEL_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
# The number with which bytecode begins (CPython, Include/internal/pycore_magic_number.h).
BYTECODE = {"3.13": 3571, "3.14": 3627}


@pytest.fixture(params=["x86_64", "arm64"], scope="module")
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """An architecture, and the unpacked package for it."""
    compiler = interpreters.find(VERSION)
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, unpack(build(folder, Target(RUNTIME, request.param), compiler), folder / "task")


def test_every_library_is_compiled_for_the_runtime_and_the_machine(built: tuple[str, Path]) -> None:
    architecture, folder = built
    libraries = list(folder.rglob("*.so*"))
    assert len(libraries) >= 3
    extension = f"cpython-{VERSION.replace('.', '')}-{WHEEL_MACHINES[architecture]}-linux-gnu.so"
    for library in libraries:
        assert library.name.partition(".")[2] in (extension, "abi3.so"), library.name
        content = library.read_bytes()
        assert content[:4] == b"\x7fELF", library.name
        assert int.from_bytes(content[18:20], "little") == ELF_MACHINES[architecture], library.name


def test_libraries_find_the_c_library_that_the_runtime_has(built: tuple[str, Path]) -> None:
    """The machine that builds has a newer one, and would not notice."""
    _, folder = built
    for library in folder.rglob("*.so"):
        needed = {(int(a), int(b)) for a, b in re.findall(rb"GLIBC_(\d+)\.(\d+)", library.read_bytes())}
        assert max(needed, default=GLIBC) <= GLIBC, library.name


def test_bytecode_is_the_runtime_s(built: tuple[str, Path]) -> None:
    """Python does not load another's, and a library without its sources would be gone."""
    _, folder = built
    compiled = list(folder.rglob("*.pyc"))
    assert bool(compiled) is (interpreters.find(VERSION) is not None)
    assert {int.from_bytes(path.read_bytes()[:2], "little") for path in compiled} <= {BYTECODE[VERSION]}
    assert (folder / "fastapi" / "__init__.py").exists() is not bool(compiled)


def test_the_entry_points_run_on_an_interpreter_of_the_runtime(
    account: Aws, tmp_path_factory: pytest.TempPathFactory
) -> None:
    interpreter = interpreters.find(VERSION)
    if interpreter is None:
        pytest.skip(f"no Python {VERSION} here: {interpreters.remedy(VERSION)}")
    (machine,) = (name for name, wheel in WHEEL_MACHINES.items() if interpreter.machine in (name, wheel))
    folder = tmp_path_factory.mktemp("runs")
    task = unpack(build(folder, Target(RUNTIME, machine), interpreter), folder / "task")
    answer, _ = call(interpreter.path, task, account, "app.main", http("GET", "/health"))
    assert answer["statusCode"] == 200
    message = {"Message": json.dumps({"email_id": "eml_unknown", "attempt": 1})}
    event = {"Records": [{"EventSource": "aws:sns", "Sns": message}]}
    assert call(interpreter.path, task, account, "workers.attempts", event)[0] == {"batchItemFailures": []}
    for door in ("changes", "deliveries"):
        assert call(interpreter.path, task, account, f"workers.{door}", {"Records": []})[0] == {"batchItemFailures": []}
    assert call(interpreter.path, task, account, "workers.sweep", {"source": "aws.events"})[0] == {"due": 0}


def test_without_an_interpreter_it_warns_what_that_costs_and_goes_on(tmp_path: Path) -> None:
    """A preview does not compile for its release, so there is none of that version here."""
    deploying = ROOT / ".deploy" / "bin" / "python"
    running = interpreters.ask(str(deploying))
    assert running
    version = next(runtime.removeprefix("python") for runtime in RUNTIMES if not runtime.endswith(running.version))
    preview = tmp_path / "python"
    preview.write_text(f"#!/bin/sh\necho CPython {version}.0rc1 x86_64\n")
    preview.chmod(0o755)
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("UV_")},
        OVERRIDE: str(preview),
        "PATH": str(tmp_path),
        "UV_PYTHON_INSTALL_DIR": str(tmp_path / "managed"),
    }
    command = [str(deploying), "-m", "infra.package", ENVIRONMENT]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert f"for python{version} on x86_64" in done.stdout
    warning = done.stderr.splitlines()[-1]
    assert f"no bytecode, because there is no Python {version} here" in warning
    assert "more than twice as long to start" in warning
    assert warning.endswith(f"/uv python install {version}")
    task = unpack(ROOT / done.stdout.partition(":")[0], tmp_path / "task")
    assert list(task.rglob("*.pyc")) == []
    assert (task / "fastapi" / "__init__.py").exists()
    assert (task / "app" / "main.py").exists()
