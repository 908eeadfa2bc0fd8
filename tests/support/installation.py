"""A whole installation on this machine, as `make run` starts it, and what its users do with it."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
KEY = {"Authorization": "Bearer em_local_development"}
EMAIL: dict[str, Any] = {
    "from": "App <no-reply@example.com>",
    "to": ["alice@example.net"],
    "subject": "Hello",
    "text": "It works.",
}
FINAL = {"delivered", "partially_delivered", "failed", "canceled", "expired"}


class Installation:
    """The API with its worker, simulator and emulator, on its own ports."""

    def __init__(
        self,
        folder: Path,
        ports: tuple[int, int, int],
        settings: Mapping[str, str],
        flags: Sequence[str] = (),
        *,
        umask: int = -1,
    ) -> None:
        """`flags` are uvicorn's, `umask` that of the terminal (-1: this process's own)."""
        api, simulator, aws = map(str, ports)
        self.log = folder / "log"
        self.data = folder / "data"
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "PORT": api,
            "SIMULATOR_PORT": simulator,
            "AWS_PORT": aws,
            "DATA_DIR": str(self.data),
            "LOG_FORMAT": "json",
            **settings,
        }
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{api}", headers=KEY, timeout=60)
        self.control = httpx.Client(base_url=f"http://127.0.0.1:{simulator}", timeout=60)
        listening = ("--host", "127.0.0.1", "--port", api, "--http", "app.api.http11:Protocol")
        self._command = [sys.executable, "-m", "uvicorn", "app.main:app", *listening, *flags]
        self._umask = umask
        self._process: subprocess.Popen[bytes] | None = None
        self._disturbed: set[str] = set()  # accounts that had a fault since they were resumed

    def start(self) -> None:
        """Start it, and return when /health says that everything answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self.env, stdout=log, stderr=log, umask=self._umask
            )
        self.until("healthy", self._healthy, within_s=60)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it by a signal, as a user would."""
        assert self._process
        if self._process.poll() is None:
            self._process.send_signal(how)
        self._process.wait(timeout=40)

    def close(self) -> None:
        """Stop it and close its connections."""
        self.stop()
        self.api.close()
        self.control.close()

    @property
    def pid(self) -> int:
        """The process id of the server."""
        assert self._process
        return self._process.pid

    def worker_pid(self) -> int:
        """The process id of the worker child."""
        return self._child_pid("app.local.worker")

    def emulator_pid(self) -> int:
        """The process id of the AWS emulator."""
        return self._child_pid("aws_emulator")

    def leave_room(self, size: int | None) -> None:
        """Let no file of the emulator grow beyond `size` bytes, as on a full disk; None: as it likes. On Linux only."""
        soft = resource.RLIM_INFINITY if size is None else size
        resource.prlimit(self.emulator_pid(), resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))

    def kill_emulator(self) -> None:
        """End the AWS emulator as kill -9 does. The installation starts it again."""
        os.kill(self.emulator_pid(), signal.SIGKILL)

    def kill_everything(self) -> None:
        """End every process of it as kill -9 does."""
        assert self._process
        for pid in [*self._children(), self._process.pid]:
            os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def restart(self) -> int:
        """Stop it in order, or let what was killed be, and start it again. Returns the exit status of before."""
        assert self._process
        if self._process.poll() is None:
            self.stop(signal.SIGINT)
        status = self._process.wait()
        self.start()
        return status

    def _child_pid(self, word: str) -> int:
        for pid, command in self._children().items():
            if word in command:
                return pid
        raise AssertionError(f"no {word} runs")

    def _children(self) -> dict[int, str]:
        """The process ids of the children, and their command lines."""
        assert self._process
        listing = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
        )
        lines = (line.split(maxsplit=2) for line in listing.stdout.splitlines())
        return {int(pid): command for pid, parent, command in lines if int(parent) == self._process.pid}

    def fault(self, account: str, fault: str = "none", **more: Any) -> None:
        """Set how a simulated account behaves."""
        self._disturbed.add(account)
        self.control.put(f"/control/providers/{account}", json={"fault": fault, **more}).raise_for_status()

    def calm(self) -> None:
        """Let every account work, clear its health and the inbox."""
        self._disturbed.update(self._unwell())
        for account in self.control.get("/control/providers").json():
            self.control.put(f"/control/providers/{account}", json={"fault": "none"}).raise_for_status()
        # Each call answers once it is in force, some seconds later. What nothing has happened to needs none.
        with ThreadPoolExecutor() as pool:
            for answer in pool.map(self._resume, self._disturbed & {account["name"] for account in self._accounts()}):
                answer.raise_for_status()
        self._disturbed.clear()
        self.control.delete("/control/messages").raise_for_status()
        self.lift("alice@example.net")  # a test of hard bounces may have suppressed her

    def lift(self, address: str) -> None:
        """Send to an address again, if it is suppressed."""
        for each in self.api.get("/v1/suppressions", params={"address": address}).json()["suppressions"]:
            self.api.delete(f"/v1/suppressions/{each['id']}").raise_for_status()

    def _accounts(self) -> list[dict[str, Any]]:
        accounts: list[dict[str, Any]] = self.api.get("/v1/providers").json()["providers"]
        return accounts

    def _unwell(self) -> set[str]:
        """The accounts that have a fault, or whose health is not that of a new one."""
        faulty = {name for name, it in self.control.get("/control/providers").json().items() if it["fault"] != "none"}
        return faulty | {
            account["name"]
            for account in self._accounts()
            if account["weight"] < 100 or account["paused"] or account["breaker"]["open"] or account["cooldown_until"]
        }

    def _resume(self, account: str) -> httpx.Response:
        return self.api.post(f"/v1/providers/{account}/resume")

    def send(self, **changes: Any) -> str:
        """Send an email. Returns its id."""
        answer = self.api.post("/v1/emails", json={**EMAIL, **changes})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def story(self, email_id: str) -> dict[str, Any]:
        """The story of an email."""
        answer = self.api.get(f"/v1/emails/{email_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ended(self, email_id: str, within_s: float = 60) -> dict[str, Any]:
        """The story of an email, after it has reached a final status and every call has its outcome.

        A webhook may be recorded before the worker has written what its call came to.
        """
        return self.story_when(email_id, _has_ended, within_s)

    def story_when(
        self, email_id: str, wanted: Callable[[dict[str, Any]], bool], within_s: float = 60
    ) -> dict[str, Any]:
        """The story of an email, after it fulfills `wanted`."""
        self.until(f"{email_id} as wanted", lambda: wanted(self.story(email_id)), within_s)
        return self.story(email_id)

    def inbox(self, email_id: str) -> list[dict[str, Any]]:
        """The messages that providers took of this email, in order."""
        messages = self.control.get("/control/messages").json()
        return [message for message in messages if message["metadata"].get("em_email_id") == email_id]

    def calls(self, account: str) -> int:
        """How often an account was called since the inbox was emptied."""
        return int(self.control.get("/control/providers").json()[account]["calls"])

    def until(self, what: str, happened: Callable[[], bool], within_s: float) -> None:
        """Return once `happened` returns True. Fail after `within_s` seconds."""
        deadline_s = monotonic() + within_s
        while not happened():
            assert self._process
            assert self._process.poll() is None, f"it ended: {self.log.read_text()[-3000:]}"
            assert monotonic() < deadline_s, f"not {what} within {within_s} s: {self.log.read_text()[-3000:]}"
            Event().wait(0.1)

    def _healthy(self) -> bool:
        try:
            return self.api.get("/health", timeout=3).status_code == 200
        except httpx.TransportError:
            return False


def _has_ended(story: Mapping[str, Any]) -> bool:
    return story["status"] in FINAL and all(attempt["outcome"] is not None for attempt in story["attempts"])
