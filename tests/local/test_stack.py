import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.local import emulator, lock, ports, programs
from app.local.children import Program
from app.local.environment import deployed
from app.local.mode import LocalError
from app.local.paths import REPOSITORY, Paths
from app.local.stack import Stack

Env = dict[str, str]
Eventually = Callable[..., None]

STANDIN = Path(__file__).with_name("standin.py")


class Servers:
    """Server processes over one DATA_DIR, and the journal that they and their children write."""

    def __init__(self, env: Env, eventually: Eventually) -> None:
        self.env = {**env, "PYTHONPATH": str(REPOSITORY)}
        self.eventually = eventually
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, **env: str) -> subprocess.Popen[str]:
        """Start a server; it is up once the journal says so."""
        return self._run([sys.executable, str(STANDIN), "serve"], env)

    def uvicorn(self, *flags: str) -> subprocess.Popen[str]:
        """Start uvicorn with the stand-in application."""
        folder = ["--app-dir", str(STANDIN.parent)]
        return self._run(
            [sys.executable, "-m", "uvicorn", f"{STANDIN.stem}:app", *folder, "--port", self.env["PORT"], *flags], {}
        )

    def _run(self, command: list[str], env: Env) -> subprocess.Popen[str]:
        server = subprocess.Popen(command, env={**self.env, **env}, stderr=subprocess.PIPE, text=True)
        self.processes.append(server)
        return server

    def journal(self) -> list[tuple[str, int]]:
        path = Path(self.env["DATA_DIR"]) / "journal"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(word, int(pid)) for word, pid in map(str.split, lines)]

    def words(self) -> list[str]:
        return [word for word, _ in self.journal()]

    def pid(self, word: str, index: int = -1) -> int:
        return [pid for said, pid in self.journal() if said == word][index]

    def until(self, word: str, times: int = 1) -> None:
        self.eventually(lambda: self.words().count(word) == times)


@pytest.fixture
def servers(env: Env, eventually: Eventually) -> Iterator[Servers]:
    servers = Servers(env, eventually)
    try:
        yield servers
    finally:
        for process in servers.processes:
            process.kill()
            process.communicate()
        eventually(lambda: is_free(env))


def is_free(env: Env) -> bool:
    """Whether every process that held the lock has ended."""
    held = lock.acquire(Paths.of(env).lock)
    if held is not None:
        os.close(held)
    return held is not None


def can_listen(port: int) -> bool:
    """Whether no process listens on `port` any more."""
    try:
        ports.require_free(port, "PORT")
    except LocalError:
        return False
    return True


def test_two_servers_share_one_set_of_children(servers: Servers, env: Env) -> None:
    first = servers.start()
    servers.until("owner")
    second = servers.start()
    servers.until("guest")
    assert servers.words() == ["first-start", "second-start", "owner", "guest"]
    second.terminate()
    assert second.wait(10) == 0
    assert servers.words()[4:] == []
    first.terminate()
    assert first.wait(10) == 0
    assert servers.words()[4:] == ["second-end", "first-end"]
    assert is_free(env)
    assert not Paths.of(env).status.exists()


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


def test_a_reload_starts_the_children_again(servers: Servers, tmp_path: Path) -> None:
    watched = tmp_path / "watched"
    watched.mkdir()
    module = watched / "module.py"
    module.touch()
    server = servers.uvicorn("--reload", "--reload-dir", str(watched))
    servers.until("owner")
    os.utime(module, (2_000_000_000, 2_000_000_000))
    servers.until("owner", times=2)
    server.send_signal(signal.SIGINT)
    server.communicate(timeout=20)
    once = ["first-start", "second-start", "owner", "second-end", "first-end"]
    assert servers.words() == once * 2


def test_ctrl_c_does_not_reach_the_children(servers: Servers) -> None:
    servers.start()
    servers.until("owner")
    assert os.getpgid(servers.pid("first-start")) == servers.pid("first-start")


def test_a_copy_with_other_ports_is_told_to_use_another_folder(servers: Servers, env: Env) -> None:
    servers.start()
    servers.until("owner")
    second = servers.start(PORT=str(int(env["PORT"]) - 1))
    _, message = second.communicate(timeout=10)
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
