"""How a child process is waited for, at its start and at its end, and what becomes of its log."""

import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.local import children
from app.local.children import Child, Program
from app.local.mode import LocalError

Env = dict[str, str]
Eventually = Callable[..., None]


def program(env: Env, code: str, *arguments: str, **more: object) -> Program:
    command = (sys.executable, "-c", code, *arguments)
    return Program("mule", command, {"PATH": env["PATH"]}, **{"is_ready": lambda: False, **more})  # type: ignore[arg-type] # because the fields are those of Program


def test_a_slow_start_is_waited_for_as_long_as_it_gets_further(env: Env, caplog: pytest.LogCaptureFixture) -> None:
    """It gets further with each look, so that it does not matter how fast this machine is."""
    looks: list[None] = []

    def is_ready() -> bool:
        looks.append(None)
        return len(looks) > 24

    def how_far() -> str:
        return f"{len(looks)} of 24 items are loaded"

    child = Child(program(env, "import sys; sys.stdin.read()", is_ready=is_ready, progress=how_far), [])
    child.wait_until_ready(0.6, threading.Event())  # half of what it takes
    child.stop(grace_s=60)
    assert "the mule starts, 24 of 24 items are loaded" in caplog.text


def test_one_that_stands_still_is_given_up(env: Env) -> None:
    child = Child(program(env, "import sys; sys.stdin.read()"), [])
    with pytest.raises(LocalError, match=r"The mule did not answer within 0\.2 s"):
        child.wait_until_ready(0.2, threading.Event())
    child.stop(grace_s=60)


def test_its_last_words_are_the_reason(env: Env, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("words of an earlier one\n")
    child = Child(program(env, "print('first', flush=True); raise SystemExit('there is no room')", log=log), [])
    with pytest.raises(LocalError) as error:
        child.wait_until_ready(60, threading.Event())
    assert str(error.value) == f"The mule ended with status 1 while starting: there is no room (see {log})"
    child.stop(grace_s=60)


def test_without_words_the_log_is_named(env: Env, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("words of an earlier one\n")
    child = Child(program(env, "raise SystemExit(7)", log=log), [])
    with pytest.raises(LocalError, match=f"The mule ended with status 7 while starting: see {log}"):
        child.wait_until_ready(60, threading.Event())
    child.stop(grace_s=60)


def test_a_stop_that_takes_long_is_not_silent(
    env: Env, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(children, "LATE_S", 0.1)
    child = Child(program(env, "import sys, threading; sys.stdin.read(); threading.Event().wait(0.6)"), [])
    child.stop(grace_s=60)
    assert child.exit_code() == 0
    assert caplog.messages == ["Local mode: waiting for the mule, which is still at work"]


def test_one_that_never_ends_is_killed_and_that_is_said(
    env: Env, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(children, "LATE_S", 0.1)
    child = Child(program(env, "import threading; threading.Event().wait(60)"), [])
    child.stop(grace_s=0.3)
    assert child.exit_code() == -9
    assert caplog.messages[-1] == "Local mode: the mule did not end and is killed"


def test_a_quick_stop_says_nothing(env: Env, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(children, "LATE_S", 50)  # a busy machine may take longer than two seconds
    caplog.set_level(logging.INFO)
    child = Child(program(env, "import sys; sys.stdin.read()"), [])
    child.stop(grace_s=60)
    assert caplog.messages == []


def test_a_log_does_not_grow_for_ever(env: Env, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "LOG_BYTES", 1000)
    log = tmp_path / "log"
    log.write_text("y" * 1001)
    child = Child(program(env, "import sys; print('new', flush=True); sys.stdin.read()", log=log), [])
    child.stop(grace_s=60)
    assert log.read_text() == "new\n"
    assert (tmp_path / "log.1").read_text() == "y" * 1001


def test_a_log_is_cut_while_its_child_writes(
    env: Env, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(children, "LOG_BYTES", 1000)
    log, go = tmp_path / "log", tmp_path / "go"
    code = (
        "import pathlib, sys, threading\nprint('x' * 3000, flush=True)\n"
        f"while not pathlib.Path({str(go)!r}).exists(): threading.Event().wait(0.02)\n"
        "print('after', flush=True)\nsys.stdin.read()"
    )
    child = Child(program(env, code, log=log), [])
    eventually(lambda: log.stat().st_size > 3000)
    child.trim_log()
    assert log.stat().st_size == 0
    go.touch()
    eventually(lambda: log.read_text() == "after\n")
    child.stop(grace_s=60)
