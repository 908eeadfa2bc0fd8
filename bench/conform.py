"""`make conform`: the tests of store and delivery, and a random run, over another engine than the tests' emulator.

    DYNAMODB_LOCAL=/path/to/folder make conform     the folder that DynamoDB Local was unpacked to; it needs Java
    DYNAMODB_URL=http://127.0.0.1:8000 make conform  an engine that runs already, with no tables of ours

DynamoDB Local is AWS's own engine: its conditions, transactions and units are theirs. It comes under terms of its own,
which whoever uses it accepts, so nothing here fetches it. Without an engine, this says so and exits with 0.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import httpx

from bench.installations import free_ports
from tests.support.installation import ROOT

EMAILS: Final = "500"  # of the random run
STARTS_WITHIN_S: Final = 60
TESTS: Final = ("tests/store", "tests/delivery")


class NoEngine(Exception):
    """There is nothing to run over. The message says what is missing."""


def main() -> int:
    """Run the tests over the engine of the environment. Returns the exit status of pytest, or 0 without an engine."""
    try:
        with engine(os.environ) as url:
            env = {"EMAILS": EMAILS, **os.environ, "DYNAMODB_URL": url}
            command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", *TESTS, *sys.argv[1:]]
            return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode
    except NoEngine as missing:
        print(f"make conform was left out: {missing}")
        return 0


@contextmanager
def engine(env: Mapping[str, str]) -> Iterator[str]:
    """The URL of the engine, which ends with this block if it was started for it. Raises NoEngine."""
    if url := env.get("DYNAMODB_URL"):
        yield url
        return
    command = java_command(env)
    (port,) = free_ports(1)
    with subprocess.Popen([*command, "-port", str(port)], stdout=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _await(url, process)
            yield url
        finally:
            process.terminate()


def java_command(env: Mapping[str, str]) -> list[str]:
    """The command that starts DynamoDB Local, which keeps nothing, without its port. Raises NoEngine."""
    if not env.get("DYNAMODB_LOCAL"):
        raise NoEngine("DYNAMODB_LOCAL names no folder with DynamoDB Local, and DYNAMODB_URL no engine that runs")
    folder = Path(env["DYNAMODB_LOCAL"])
    if not (folder / "DynamoDBLocal.jar").exists():
        raise NoEngine(f"{folder} holds no DynamoDBLocal.jar")
    java = shutil.which("java", path=env.get("PATH"))
    if java is None:
        raise NoEngine("DynamoDB Local needs Java, which is not on the PATH")
    library = f"-Djava.library.path={folder / 'DynamoDBLocal_lib'}"
    return [java, library, "-jar", str(folder / "DynamoDBLocal.jar"), "-inMemory"]


def _await(url: str, process: "subprocess.Popen[bytes]") -> None:
    until_s = monotonic() + STARTS_WITHIN_S
    while process.poll() is None and monotonic() < until_s:
        try:
            httpx.get(url, timeout=1, trust_env=False)  # it answers 400 to a request without a signature
        except httpx.TransportError:
            sleep(0.1)
        else:
            return
    raise RuntimeError("the engine does not answer")


if __name__ == "__main__":
    sys.exit(main())
