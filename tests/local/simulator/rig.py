"""A running simulator, and somebody who listens to its webhooks."""

import json
import subprocess
import sys
import threading
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

import httpx

from app.local.simulator.keys import Keys, load_or_create
from tests.local.simulator.sample_emails import LETTERS


@dataclass(frozen=True)
class Heard:
    """A webhook as it came in; header names are lower-case."""

    provider: str
    headers: Mapping[str, str]
    body: bytes
    at_s: float


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

    def wait(self, text: str, count: int, timeout_s: float = 8) -> list[Heard]:
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
        self.keys: Keys = load_or_create(folder)
        self.control = httpx.Client(base_url=f"{self.ready['control_url']}/control", timeout=10)
        self.http = httpx.Client(timeout=10)

    def __enter__(self) -> "Rig":
        self.receiver.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.control.close()
        self.http.close()
        self.process.terminate()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.receiver.__exit__(kind, error, trace)

    def base_url(self, provider: str) -> str:
        return str(self.ready["providers"][provider])

    def behave(self, provider: str, **setting: object) -> dict[str, Any]:
        """Set a provider's behavior; without a setting, back to normal."""
        answer = self.control.put(f"/providers/{provider}", json=setting)
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()
        return state

    def inbox(self, eid: str) -> list[dict[str, Any]]:
        return [entry for entry in self.control.get("/messages").json() if entry["metadata"].get("eid") == eid]

    def letter(self, provider: str) -> tuple[str, httpx.Request]:
        """A valid call, and the email id in it."""
        eid = uuid.uuid4().hex
        return eid, LETTERS[provider](self.base_url(provider), eid)

    def send(self, provider: str, **setting: object) -> str:
        """Send an email under this behavior, and go back to normal. Returns the email id."""
        self.behave(provider, **setting)
        eid, request = self.letter(provider)
        answer = self.http.send(request)
        assert answer.is_success, answer.text
        self.behave(provider)
        return eid
