"""`make urls` where nothing runs; `tests/e2e/test_terminal.py` has the rest."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.local import lock, urls
from app.local.mode import LocalError
from app.local.paths import Paths
from app.local.ports import Ports
from tests.conftest import ROOT, free_port


@pytest.fixture
def _as_before() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@contextmanager
def owning(env: dict[str, str], ports: Ports, *, ready: bool) -> Iterator[None]:
    """This process is the owner, as its status says."""
    lock.OwnerStatus(os.getpid(), ports, ready).write(Paths.of(env))
    held = lock.live(Paths.of(env))
    yield
    os.close(held)


def test_where_nothing_runs_it_says_so_in_a_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app.local.urls"]
    env = {**os.environ, "DATA_DIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    remedy = "start it with make run, or set DATA_DIR"
    assert done.stderr == f"nothing runs in {tmp_path}, or it is just starting: {remedy}\n"


def test_one_that_is_just_starting_is_not_shown(env: dict[str, str]) -> None:
    with owning(env, Ports(1, 2, 3), ready=False), pytest.raises(LocalError, match="or it is just starting"):
        urls.text(env, Path("nowhere"))


@pytest.mark.usefixtures("_as_before")
def test_an_emulator_that_does_not_answer_is_said(env: dict[str, str]) -> None:
    ports = Ports(free_port(), free_port(), free_port())
    ending = "does not answer; is make run just ending"
    with owning(env, ports, ready=True), pytest.raises(LocalError, match=ending):
        urls.text(env, Path("nowhere"))
