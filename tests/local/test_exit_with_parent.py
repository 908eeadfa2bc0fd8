import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.local.children import Child, Program
from app.local.mode import LocalError
from app.local.paths import REPOSITORY

Env = dict[str, str]
Eventually = Callable[..., None]

STUBBORN = """
import signal, threading
signal.signal(signal.SIGTERM, signal.SIG_IGN)
{watch}
print("up", flush=True)
threading.Event().wait(60)
"""

SPAWNS = """
import multiprocessing, os, signal, sys, threading
from app.local import exit_with_parent

def server():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    exit_with_parent.follow_parent()
    print(os.getpid(), flush=True)
    signal.sigwait({signal.SIGTERM})
    print("ended", flush=True)

if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=server)
    child.start()
    child.join()
"""


def test_what_does_not_listen_to_the_closed_pipe_is_ended_all_the_same() -> None:
    watch = "from app.local import exit_with_parent; exit_with_parent.GRACE_S = 0.2; exit_with_parent.watch()"
    command = [sys.executable, "-c", STUBBORN.format(watch=watch)]
    process = subprocess.Popen(
        command, env={"PYTHONPATH": str(REPOSITORY)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.communicate(timeout=60)
    assert process.returncode == 1


def test_a_child_that_does_not_end_is_killed(env: Env) -> None:
    command = (sys.executable, "-c", STUBBORN.format(watch=""))
    child = Child(Program("mule", command, env, is_ready=lambda: True), [])
    child.stop(grace_s=0.3)
    assert child.exit_code() == -signal.SIGKILL


def test_a_child_that_never_answers_is_given_up(env: Env, tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = Child(Program("mute", ("cat",), env, is_ready=lambda: False, log=log), [])
    with pytest.raises(LocalError, match=f"The mute did not answer within 0.2 s: see {log}"):
        child.wait_until_ready(0.2, threading.Event())
    child.stop(grace_s=60)
    assert child.exit_code() == 0


def test_waiting_ends_when_the_server_stops(env: Env) -> None:
    child = Child(Program("slow", ("cat",), env, is_ready=lambda: False), [])
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(LocalError, match="Stopped while the slow was starting"):
        child.wait_until_ready(10, stopping)
    child.stop(grace_s=60)


def test_a_server_that_uvicorn_spawned_ends_when_uvicorn_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "spawns.py"
    script.write_text(SPAWNS)
    parent = subprocess.Popen(
        [sys.executable, str(script)], env={"PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    server = int(parent.stdout.readline())
    parent.kill()
    try:
        assert parent.stdout.readline() == "ended\n"
    except AssertionError:
        os.kill(server, signal.SIGKILL)
        raise
    finally:
        parent.communicate()
