"""`uvicorn --reload`: a change of a file starts the server and the last child again, and leaves the others alone."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from itertools import count, permutations
from pathlib import Path
from types import FrameType

import pytest
import uvicorn

from app.local import keeper, lock, ports
from app.local.mode import LocalError
from app.local.paths import Paths
from app.local.reload import KEEPER, KeptStack, is_reloading
from tests.local.servers import Env, Servers, can_listen, is_free

Eventually = Callable[..., None]
Touch = Callable[[], None]


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A file that uvicorn watches."""
    module = tmp_path / "watched" / "module.py"
    module.parent.mkdir()
    module.touch()
    return module


@pytest.fixture
def touch(module: Path) -> Touch:
    """Change the file once more."""
    times = count(2_000_000_000)

    def change() -> None:
        at_s = next(times)
        os.utime(module, (at_s, at_s))

    return change


@pytest.fixture
def server(servers: Servers, module: Path) -> subprocess.Popen[str]:
    """A uvicorn that has started everything."""
    server = servers.uvicorn("--reload", "--reload-dir", str(module.parent))
    servers.until("owner")
    return server


@pytest.mark.usefixtures("server")
def test_only_the_last_child_is_started_again(servers: Servers, touch: Touch) -> None:
    once = ["first-start", "second-start", "owner"]
    assert servers.words() == once
    for times in (1, 2, 3):
        touch()
        servers.until("guest", times)
        servers.until("second-start", times + 1)
    words = servers.words()
    assert words.count("first-start") == 1
    assert "first-end" not in words
    assert [word for word in words if word.startswith("second")] == [
        *["second-start", "second-end"] * 3,
        "second-start",
    ]
    os.kill(servers.pid("first-start"), 0)  # it is still there
    assert len({pid for word, pid in servers.journal() if word == "second-start"}) == 4


@pytest.mark.parametrize("is_reloaded", [False, True])
def test_ctrl_c_returns_when_everything_has_ended_in_order(
    servers: Servers, server: subprocess.Popen[str], touch: Touch, env: Env, is_reloaded: bool
) -> None:
    if is_reloaded:
        touch()
        servers.until("guest")
        servers.until("second-start", 2)
    servers.until_served()
    before = len(servers.words())
    servers.interrupt(server)
    server.wait(60)
    assert is_free(env)
    assert servers.words()[before:][:2] == ["second-end", "first-end"]


ORDERS = {
    "Ctrl-C first": ([signal.SIGINT, signal.SIGTERM], [signal.SIGINT]),
    "uvicorn is faster": ([signal.SIGTERM, signal.SIGINT], [signal.SIGTERM]),
    "Ctrl-C twice": ([signal.SIGINT, signal.SIGINT], [signal.SIGINT, signal.SIGINT]),
    "twice, and uvicorn is faster": ([signal.SIGTERM, signal.SIGINT, signal.SIGINT], [signal.SIGTERM, signal.SIGINT]),
}


@pytest.mark.parametrize("order", ORDERS)
def test_in_whichever_order_signals_come_a_server_ends_at_once_only_at_a_second_ctrl_c(env: Env, order: str) -> None:
    sent, expected = ORDERS[order]
    passed_on: list[int] = []
    before = {number: signal.signal(number, lambda number, _: passed_on.append(number)) for number in set(sent)}
    other = {number: signal.getsignal(number) for number in {signal.SIGINT, signal.SIGTERM} - set(sent)}
    try:
        KeptStack(env).notice_interrupt()
        for number in sent:
            signal.raise_signal(number)
    finally:
        for number, handler in {**before, **other}.items():
            signal.signal(number, handler)
    assert passed_on == expected


@pytest.mark.parametrize(("first", "second"), [*permutations([signal.SIGINT, signal.SIGTERM])])
def test_a_signal_that_comes_while_the_other_is_handled_is_no_second_ctrl_c(
    env: Env, first: signal.Signals, second: signal.Signals
) -> None:
    """Uvicorn's answer to Ctrl-C may come before the server has seen what Ctrl-C told it."""
    server = uvicorn.Server(uvicorn.Config("nobody:app"))

    def is_interrupted(number: int, frame: FrameType | None) -> None:
        if number == first:
            signal.raise_signal(second)
        server.handle_exit(number, frame)

    before = {number: signal.signal(number, is_interrupted) for number in (first, second)}
    try:
        KeptStack(env).notice_interrupt()
        signal.raise_signal(first)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert (server.should_exit, server.force_exit) == (True, False)


def test_when_uvicorn_alone_is_told_to_end_the_keeper_follows(
    servers: Servers, server: subprocess.Popen[str], env: Env, eventually: Eventually
) -> None:
    server.terminate()
    server.communicate(timeout=60)  # until the keeper, which has the same terminal, has ended, too
    assert servers.words()[-3:] == ["second-end", "first-end", "keeper-end"]
    assert is_free(env)


def test_a_killed_uvicorn_leaves_nothing_behind(
    server: subprocess.Popen[str], env: Env, eventually: Eventually
) -> None:
    server.kill()
    server.communicate(timeout=60)
    eventually(lambda: is_free(env))
    eventually(lambda: can_listen(int(env["PORT"])))


@pytest.mark.usefixtures("server")
def test_a_killed_keeper_is_followed_by_another(servers: Servers, env: Env) -> None:
    first_child = servers.pid("first-start")
    os.kill(_parent_of(first_child), signal.SIGKILL)
    servers.until("second-start", 2)
    assert servers.words()[3:] == ["second-end", "first-end", "first-start", "second-start"]


def test_a_copy_with_other_ports_is_found_out(servers: Servers, env: Env, module: Path) -> None:
    servers.start(PORT=str(int(env["PORT"]) - 1))
    servers.until("owner")
    with pytest.raises(LocalError, match="is used by a running copy with other ports"):
        KeptStack(env).start()


def test_a_keeper_that_cannot_start_ends_the_server(env: Env) -> None:
    with pytest.raises(LocalError, match="did not start"):
        KeptStack(env, ("false",)).start()
    assert is_free(env)


def test_the_status_that_a_killed_owner_has_left_is_not_believed(env: Env) -> None:
    """Although there is a process with its id: this one."""
    paths = Paths.of(env)
    paths.data.mkdir(exist_ok=True)
    lock.OwnerStatus(os.getpid(), ports.read(env), ready=True, is_keeper=True).write(paths)
    os.close(lock.live(paths))
    with pytest.raises(LocalError, match="did not start"):
        KeptStack(env, ("false",)).start()
    assert lock.status(paths) is None


def test_the_keeper_says_why_in_one_line(env: Env, taken: int) -> None:
    command = [*KEEPER, str(os.getpid())]
    settings = {**KeptStack(env)._env, "AWS_PORT": str(taken), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{taken}"}
    done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"Port {taken} is in use" in done.stderr


def test_an_end_is_noticed_before_anybody_has_asked_for_the_status() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        ended = threading.Thread(target=keeper.wait_for_end, args=(process.pid,))
        ended.start()
        assert ended.is_alive()
        process.kill()
        ended.join(60)
        assert not ended.is_alive()
    keeper.wait_for_end(process.pid)  # returns at once


def test_this_process_was_not_started_by_a_reloading_uvicorn() -> None:
    assert not is_reloading(["uvicorn", "app.main:app", "--reload"], {"UVICORN_RELOAD": "true"})


def _parent_of(pid: int) -> int:
    listing = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(listing.stdout)
