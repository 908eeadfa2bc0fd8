"""One command at a time changes an environment, on the emulator's Systems Manager."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from infra import lock, restore
from infra.lock import Locked, held, parameter
from infra.stages import ROOT
from tests.support.aws import Aws, client


@pytest.fixture
def ssm(aws: Aws) -> Any:
    return client(aws.endpoint_url, "ssm")


def test_the_second_is_told_who_is_first_and_stops(ssm: Any) -> None:
    environment = f"x{uuid4().hex[:8]}"
    with (
        held(ssm, environment, "ann on laptop since noon"),
        pytest.raises(Locked, match=r"^is being changed by ann on laptop since noon \[\w+\]: wait"),
        held(ssm, environment, "bob"),
    ):
        pytest.fail("two at once")
    with held(ssm, environment, "bob"):
        pass


def test_environments_have_their_own(ssm: Any) -> None:
    with held(ssm, f"x{uuid4().hex[:8]}", "ann"), held(ssm, f"x{uuid4().hex[:8]}", "bob"):
        pass


def test_what_fails_leaves_no_lock(ssm: Any) -> None:
    environment = f"x{uuid4().hex[:8]}"
    with pytest.raises(RuntimeError), held(ssm, environment, "ann"):
        raise RuntimeError
    with held(ssm, environment, "bob"):
        pass


def test_a_lock_that_was_left_behind_is_taken_away(ssm: Any) -> None:
    environment = f"x{uuid4().hex[:8]}"
    lock.release(ssm, environment)  # nothing to do is no error
    with held(ssm, environment, "ann"):
        lock.release(ssm, environment)
        with held(ssm, environment, "bob"):
            pass


def test_who_was_released_does_not_release_the_next(ssm: Any) -> None:
    environment = f"x{uuid4().hex[:8]}"
    with held(ssm, environment, "ann"):
        lock.release(ssm, environment)
        ssm.put_parameter(Name=parameter(environment), Value="bob", Type="String")
    assert ssm.get_parameter(Name=parameter(environment))["Parameter"]["Value"] == "bob"


def run(aws: Aws, *arguments: str) -> subprocess.Popen[str]:
    env = {**os.environ, "AWS_ENDPOINT_URL": aws.endpoint_url}
    return subprocess.Popen(
        [sys.executable, "-m", "infra.lock", *arguments],
        cwd=ROOT,
        env=env,
        text=True,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.full
def test_the_command_runs_under_the_lock_and_its_status_is_ours(aws: Aws, ssm: Any, tmp_path: Path) -> None:
    inner = "import sys; from pathlib import Path; Path(sys.argv[1]).touch(); input()"
    mark = tmp_path / "begun"
    first = run(aws, "hold", "dev", sys.executable, "-c", inner, str(mark))
    while not mark.exists():
        assert first.poll() is None
    second = run(aws, "hold", "dev", "false")
    _, said = second.communicate(timeout=30)
    assert second.returncode == 1
    assert said.startswith("dev: is being changed by ")
    assert said.endswith("If it broke off: .deploy/bin/python -m infra.lock release dev\n")
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=30)
    assert first.returncode == 128 + signal.SIGTERM
    third = run(aws, "hold", "dev", sys.executable, "-c", "raise SystemExit(7)")
    third.communicate(timeout=30)
    assert third.returncode == 7
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name=parameter("dev"))


@pytest.mark.full
def test_what_is_under_way_keeps_the_lock_when_the_command_is_ended(aws: Aws, ssm: Any, tmp_path: Path) -> None:
    """As `kill`, or a CI that cancels: Zappa would go on, while somebody else deploys."""
    begun, second = tmp_path / "begun", tmp_path / "second"
    inner = f"from pathlib import Path; Path('{begun}').touch(); input()"
    process = run(aws, "hold", "dev", "bash", "-c", f'"{sys.executable}" -c "{inner}"; touch {second}')
    assert process.stdin
    assert process.stderr
    while not begun.exists():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.stderr.readline() == "Waiting for the end of what is under way, and no more is begun\n"
    assert ssm.get_parameter(Name=parameter("dev"))
    process.stdin.write("\n")
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert not second.exists()
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name=parameter("dev"))


def test_tables_are_adopted_under_the_lock(aws: Aws, ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment between its two steps would find tables of no stack."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    with held(ssm, "dev", "ann"), pytest.raises(SystemExit, match=r"^dev: is being changed by ann "):
        restore.main(["adopt", "dev", "--prefix", "emailsminder-dev-r1-"])


@pytest.mark.parametrize("arguments", [[], ["hold"], ["hold", "dev"], ["release"], ["take", "dev"]])
def test_anything_else_is_answered_with_the_usage(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["lock", *arguments])
    with pytest.raises(SystemExit, match=r"^usage: python -m infra\.lock hold"):
        lock.main()


def test_an_environment_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["lock", "release", "nowhere"])
    with pytest.raises(SystemExit, match=r"^nowhere: there is no such environment in zappa_settings.json, only "):
        lock.main()
