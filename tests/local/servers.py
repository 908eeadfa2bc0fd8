"""Server processes with stand-in children, which keep a journal."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx

from app.local import lock, ports
from app.local.mode import LocalError
from app.local.paths import REPOSITORY, Paths

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
        # In a session of its own, so that a test can send what Ctrl-C sends.
        server = subprocess.Popen(
            command, env={**self.env, **env}, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.processes.append(server)
        return server

    def until_served(self) -> None:
        """Wait until uvicorn answers. Told to end before, it would not tell the application that it ends."""
        self.eventually(self._is_served)

    def _is_served(self) -> bool:
        try:
            httpx.get(f"http://127.0.0.1:{self.env['PORT']}", trust_env=False)
        except httpx.TransportError:
            return False
        return True  # with 500: the application has no pages

    def interrupt(self, server: subprocess.Popen[str]) -> None:
        """What Ctrl-C does: SIGINT for every process of the terminal."""
        os.killpg(server.pid, signal.SIGINT)

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
