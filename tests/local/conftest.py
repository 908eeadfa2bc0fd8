"""What the tests of local mode share: free ports, a folder of their own, patience with a limit."""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from app.local import environment
from app.local.simulator import accounts
from tests.conftest import free_port
from tests.local.posting import Parts
from tests.local.servers import Servers, is_free
from tests.support.aws import Aws

Env = dict[str, str]


@pytest.fixture(scope="session")
def signing_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the simulator's keys: making them takes longer than most tests."""
    folder = tmp_path_factory.mktemp("keys")
    for account in environment.PROVIDERS.split(","):
        accounts.ready_variables(account, folder)
    return folder


@pytest.fixture
def env(tmp_path: Path, signing_keys: Path) -> Env:
    """A laptop's environment with free ports and a DATA_DIR of its own."""
    shutil.copytree(signing_keys, tmp_path / "data" / "simulator")
    inherited = {name: os.environ[name] for name in ("PATH", "EMULATOR_PYTHON", "LANG") if name in os.environ}
    return {
        **inherited,
        "PORT": str(free_port()),
        "SIMULATOR_PORT": str(free_port()),
        "AWS_PORT": str(free_port()),
        "DATA_DIR": str(tmp_path / "data"),
    }


Eventually = Callable[[Callable[[], bool], float], None]


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds; fail after so many seconds."""

    def wait(condition: Callable[[], bool], timeout_s: float = 60) -> None:
        pause = threading.Event()
        deadline_s = monotonic() + timeout_s
        while not condition():
            assert monotonic() < deadline_s, "it never came true"
            pause.wait(0.05)

    return wait


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that something listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def servers(env: Env, eventually: Eventually) -> Iterator[Servers]:
    """Servers, which are killed at the end."""
    servers = Servers(env, eventually)
    try:
        yield servers
    finally:
        for process in servers.processes:
            process.kill()
            process.communicate()
        eventually(lambda: is_free(env), 60)


@pytest.fixture
def parts(store: Aws) -> Iterator[Parts]:
    assert store
    it = Parts()
    it.forget()  # tests share their tables
    it.it.start()
    yield it
    it.posted.go.set()
    it.it.close()
