"""The servers that a measured process calls, each in a process that ends with it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import httpx

from app.local import exit_with_parent
from app.local.aws_emulator import start
from bench.installations import free_ports
from tests.support.installation import ROOT


@contextmanager
def provider() -> Iterator[str]:
    """The base URL of a running provider that answers at once."""
    command = [sys.executable, "-m", "bench.instant"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.communicate()


@contextmanager
def emulator() -> Iterator[str]:
    """The URL of a running AWS emulator that stores nothing on disk, and ends with this process."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="emailsminder-") as folder, (Path(folder) / "log").open("wb") as log:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "TMPDIR": folder,
            "LOG_LEVEL": "WARNING",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "SERVICES": "dynamodb,s3,sns,sqs",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": "tcp://127.0.0.1:9",
        }
        command = [str(ROOT / ".emulator/bin/python"), "-I", exit_with_parent.__file__, start.__file__, start.BARE]
        with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=log, stderr=log) as process:
            url = f"http://127.0.0.1:{port}"
            _await(f"{url}/_ministack/health", process)
            yield url
            process.communicate()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            httpx.get(url, timeout=1, trust_env=False)
        except httpx.TransportError:
            if process.poll() is not None:
                raise RuntimeError("the AWS emulator ended") from None
            sleep(0.1)
        else:
            return
    raise RuntimeError("the AWS emulator does not answer")
