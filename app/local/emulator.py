"""The AWS emulator: a child process that runs in a virtual environment of its own."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from app.local import exit_with_parent, ports
from app.local.children import Program
from app.local.environment import ACCOUNT, REGION
from app.local.mode import LocalError
from app.local.paths import REPOSITORY, Paths


def program(env: Mapping[str, str], on_ready: Callable[[], None]) -> Program:
    """The emulator for `env`, which `environment.deployed` has made. The emulator keeps its state in DATA_DIR.

    It writes the state when SIGTERM ends it; kill -9 loses everything since its start.
    Raises LocalError if the emulator is not installed or its port is in use.
    """
    at, paths = ports.read(env), Paths.of(env)
    python = _python(env)
    ports.require_free(at.aws, "AWS_PORT")
    temporary = paths.emulator / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    return Program(
        name="AWS emulator",
        # With -I, Python ignores this folder and PYTHONPATH, so that the emulator imports no module of ours.
        command=(str(python), "-I", exit_with_parent.__file__, "ministack"),
        env={
            "PATH": env.get("PATH", os.defpath),
            "HOME": str(temporary),
            "TMPDIR": str(temporary),
            "LOG_LEVEL": "WARNING",
            "BIND_HOST": ports.HOST,
            # GATEWAY_PORT would become part of the queues' names, so that another port would find them empty.
            "EDGE_PORT": str(at.aws),
            "MINISTACK_HOST": ports.HOST,
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "SERVICES": "dynamodb,s3,sns,sqs",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(paths.emulator / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(paths.emulator / "s3"),
            # Without these settings the emulator listens on 8883 and 2222, and removes the containers of other
            # emulators on this machine.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{temporary / 'no-docker'}",
        },
        is_ready=lambda: _is_healthy(at.aws_url),
        on_ready=on_ready,
        log=paths.emulator / "emulator.log",
    )


def _python(env: Mapping[str, str]) -> Path:
    python = Path(env.get("EMULATOR_PYTHON") or REPOSITORY / ".emulator" / "bin" / "python")
    if not python.is_file():
        raise LocalError(f"The AWS emulator is not installed ({python} is missing): run make emulator")
    return python


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_ministack/health", timeout=1, trust_env=False).is_success
    except httpx.HTTPError:
        return False
