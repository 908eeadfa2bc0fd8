import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.local import emulator, programs
from app.local.children import Program
from app.local.environment import deployed
from app.local.mode import LocalError
from app.local.paths import Paths
from app.local.stack import Stack
from tests.local.servers import Servers, can_listen, is_free

Env = dict[str, str]
Eventually = Callable[..., None]


def test_two_servers_share_one_set_of_children(servers: Servers, env: Env) -> None:
    first = servers.start()
    servers.until("owner")
    second = servers.start()
    servers.until("guest")
    assert servers.words() == ["first-start", "second-start", "owner", "guest"]
    second.terminate()
    assert second.wait(60) == 0
    assert servers.words()[4:] == []
    first.terminate()
    assert first.wait(60) == 0
    assert servers.words()[4:] == ["second-end", "first-end"]
    assert is_free(env)
    assert not Paths.of(env).status.exists()


def test_it_stops_although_its_status_cannot_be_deleted(servers: Servers, env: Env) -> None:
    """As on a disk that has become read-only."""
    server = servers.start()
    servers.until("owner")
    Paths.of(env).status.unlink()
    Paths.of(env).status.mkdir()
    server.terminate()
    assert server.wait(60) == 0
    assert servers.words()[2:] == ["owner", "second-end", "first-end"]
    assert is_free(env)


def test_when_the_owner_is_killed_its_children_end_in_order_and_another_takes_over(servers: Servers) -> None:
    first = servers.start()
    servers.until("owner")
    servers.start()
    servers.until("guest")
    first.kill()
    servers.until("second-start", times=2)
    assert servers.words()[4:] == ["second-end", "first-end", "first-start", "second-start"]


def test_when_the_owner_stops_another_takes_over(servers: Servers) -> None:
    first = servers.start()
    servers.until("owner")
    servers.start()
    servers.until("guest")
    first.terminate()
    servers.until("second-start", times=2)
    assert servers.words()[4:] == ["second-end", "first-end", "first-start", "second-start"]


def test_a_child_that_dies_is_started_again(servers: Servers) -> None:
    servers.start()
    servers.until("owner")
    os.kill(servers.pid("second-start"), signal.SIGKILL)
    servers.until("second-start", times=2)
    assert servers.words() == ["first-start", "second-start", "owner", "second-start"]


def test_with_it_those_that_were_started_after_it(servers: Servers) -> None:
    servers.start()
    servers.until("owner")
    os.kill(servers.pid("first-start"), signal.SIGKILL)
    servers.until("second-start", times=2)
    assert servers.words() == ["first-start", "second-start", "owner", "second-end", "first-start", "second-start"]


@pytest.mark.full
def test_the_workers_of_uvicorn_share_one_set_of_children(servers: Servers) -> None:
    server = servers.uvicorn("--workers", "3")
    servers.until("owner")
    servers.until("guest", times=2)
    assert [word for word in servers.words() if word.endswith("-start")] == ["first-start", "second-start"]
    server.send_signal(signal.SIGINT)
    server.communicate(timeout=20)
    starts, ends = servers.words().count("second-start"), servers.words().count("second-end")
    assert starts == ends  # whoever took over for a moment has let go in order as well


def test_a_killed_uvicorn_leaves_nothing_behind(servers: Servers, env: Env, eventually: Eventually) -> None:
    server = servers.uvicorn("--workers", "2")
    servers.until("owner")
    servers.until("guest")
    server.kill()
    eventually(lambda: is_free(env))
    eventually(lambda: can_listen(int(env["PORT"])))


def test_ctrl_c_does_not_reach_the_children(servers: Servers) -> None:
    servers.start()
    servers.until("owner")
    assert os.getpgid(servers.pid("first-start")) == servers.pid("first-start")


def test_a_copy_with_other_ports_is_told_to_use_another_folder(servers: Servers, env: Env) -> None:
    servers.start()
    servers.until("owner")
    second = servers.start(PORT=str(int(env["PORT"]) - 1))
    _, message = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"is used by a running copy with other ports (PORT={env['PORT']} " in message
    assert len(message.splitlines()) == 1


def test_a_child_that_cannot_start_is_an_error_and_leaves_nothing(env: Env, eventually: Eventually) -> None:
    started: list[Program] = []

    def fine() -> Program:
        program = Program("one", ("cat",), env, is_ready=lambda: True)
        started.append(program)
        return program

    def failing() -> Program:
        return Program("other", (sys.executable, "-c", "raise SystemExit(7)"), env, is_ready=lambda: False)

    with pytest.raises(LocalError, match="The other ended with status 7 while starting"):
        Stack(env, start_programs=[fine, failing]).start()
    assert started
    assert is_free(env)


def test_what_dies_again_and_again_is_started_less_and_less_often(env: Env, eventually: Eventually) -> None:
    starts: list[float] = []

    def brief() -> Program:
        starts.append(stack._delay_s)
        return Program("mayfly", ("true",), env, is_ready=lambda: True)

    stack = Stack(env, start_programs=[brief])
    stack.start()
    eventually(lambda: len(starts) >= 3)
    stack.stop()
    assert starts[:3] == [0.5, 1, 2]


def test_the_ports_of_every_part_are_checked_before_it_starts(env: Env, taken: int) -> None:
    def refused(variable: str) -> Env:
        return deployed({**env, variable: str(taken)})

    with pytest.raises(LocalError, match=rf"Port {taken} is in use: .* PORT={taken + 1}"):
        Stack(refused("PORT"), start_programs=[]).start()
    with pytest.raises(LocalError, match=f"AWS_PORT={taken + 1}"):
        emulator.program(refused("AWS_PORT"), lambda: None)
    with pytest.raises(LocalError, match=f"SIMULATOR_PORT={taken + 1}"):
        programs.simulator(refused("SIMULATOR_PORT"))


def test_a_missing_emulator_is_named_with_the_remedy(env: Env, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="run make emulator"):
        emulator.program({**deployed(env), "EMULATOR_PYTHON": str(tmp_path / "none")}, lambda: None)
