"""A running simulator, and somebody who listens to its webhooks."""

import json
import subprocess
import sys
import threading
import uuid
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

import httpx

from app.domain.account import prefix_of, provider_of
from app.local.simulator import accounts
from app.providers import registry
from tests.local.simulator.case import Event, Heard, SimulatorCase

# provider -> what the tests must know of it
CASES: dict[str, SimulatorCase] = {
    name: import_module(f"tests.providers.{name}.simulator_case").CASE for name in registry.PROVIDERS
}


def case_of(account: str) -> SimulatorCase:
    return CASES[provider_of(account)]


class Receiver(AbstractContextManager["Receiver"]):
    """Takes webhooks. `refusals` maps a text to the statuses to answer, in turn, to a webhook that holds it."""

    def __init__(self) -> None:
        self._heard: list[Heard] = []
        self._news = threading.Condition()
        self.refusals: dict[bytes, list[int]] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(receiver.take(Heard(self.path.rpartition("/")[2], headers, body, monotonic())))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/webhooks"

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, heard: Heard) -> int:
        with self._news:
            self._heard.append(heard)
            self._news.notify_all()
            statuses = next((found for text, found in self.refusals.items() if text in heard.body), [])
            return statuses.pop(0) if statuses else 200

    def wait(self, text: str, count: int, timeout_s: float = 60) -> list[Heard]:
        """The webhooks that hold `text`, once there are `count` of them."""
        with self._news:
            enough = self._news.wait_for(lambda: len(self.about(text)) >= count, timeout_s)
            assert enough, f"{len(self.about(text))} webhooks of {count}"
            return self.about(text)

    def about(self, text: str) -> list[Heard]:
        return [heard for heard in self._heard if text.encode() in heard.body]

    def quiet(self, text: str, for_s: float) -> bool:
        """Does no webhook that holds `text` come within this time?"""
        before = len(self.about(text))
        with self._news:
            return not self._news.wait_for(lambda: len(self.about(text)) > before, for_s)


class Rig(AbstractContextManager["Rig"]):
    """The simulator in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.receiver = Receiver()
        command = [sys.executable, "-m", "app.local.simulator", "--keys", str(folder), *options]
        self.process = subprocess.Popen(
            [*command, "--webhooks-url", self.receiver.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.ready: dict[str, Any] = json.loads(self.process.stdout.readline())
        self._folder = folder
        self.control = httpx.Client(base_url=f"{self.ready['control_url']}/control", timeout=60)
        self.http = httpx.Client(timeout=60)

    def __enter__(self) -> "Rig":
        self.receiver.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.control.close()
        self.http.close()
        self.process.terminate()
        self.process.wait(60)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.receiver.__exit__(kind, error, trace)

    def base_url(self, account: str) -> str:
        return str(self.ready["providers"][account])

    def behave(self, account: str, **setting: object) -> dict[str, Any]:
        """Set an account's behavior; without a setting, back to normal."""
        answer = self.control.put(f"/providers/{account}", json=setting)
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()
        return state

    def inbox(self, eid: str) -> list[dict[str, Any]]:
        return [entry for entry in self.control.get("/messages").json() if entry["metadata"].get("eid") == eid]

    def letter(self, account: str) -> tuple[str, httpx.Request]:
        """A valid call, and the email id in it."""
        eid = uuid.uuid4().hex
        return eid, case_of(account).call(self.base_url(account), account, eid)

    def send(self, account: str, **setting: object) -> str:
        """Send an email under this behavior, and go back to normal. Returns the email id."""
        self.behave(account, **setting)
        eid, request = self.letter(account)
        answer = self.http.send(request)
        assert answer.is_success, answer.text
        self.behave(account)
        return eid

    def reported(self, eid: str, posts: int) -> tuple[list[Heard], list[Event]]:
        """The webhooks about an email, once there are so many, and the events in them."""
        heard = self.receiver.wait(eid, posts)
        return heard, [event for webhook in heard for event in case_of(webhook.account).events(webhook.body)]

    def is_genuine(self, webhook: Heard, of: str = "") -> bool:
        """Does a receiver with the ready variables of its account, or of the account `of`, believe it?"""
        ready = accounts.ready_variables(of or webhook.account, self._folder)
        prefix = prefix_of(of or webhook.account)
        variables = {name.removeprefix(prefix): value for name, value in ready.items()}
        return case_of(webhook.account).is_genuine(webhook, variables, self._certificate)

    def _certificate(self, url: str) -> bytes:
        return self.control.get("/certificate", params={"url": url}).raise_for_status().content
