"""A server that accepts every email as the providers do, or answers with what the test chooses."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


class ProviderServer(ThreadingHTTPServer):
    """Serves SendGrid, Mailgun, SES and Resend at one address. `calls` are the received paths and bodies, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[tuple[str, bytes]] = []
        self.headers: list[str] = []  # of each call, as they came
        self.statuses: dict[str, int] = {}  # the status to answer with, by the beginning of a path
        self.accepted: httpx.Response | None = None  # how another provider accepts an email

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serve() -> Iterator[ProviderServer]:
    """A running server."""
    with ProviderServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ProviderServer

    def do_POST(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Log nothing, because tests read `calls`."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.calls.append((self.path, body))
        self.server.headers.append(str(self.headers))
        number = len(self.server.calls)
        status = next((s for path, s in self.server.statuses.items() if self.path.startswith(path)), 0)
        answers = {
            "/v3/mail/send": (202, {}),
            "/v2/email/outbound-emails": (200, {"MessageId": f"ses-{number}"}),
            "/emails": (200, {"id": f"resend-{number}"}),
        }
        ok, answer = answers.get(
            self.path, (200, {"id": f"<{number}@mg.example.com>", "message": "Queued. Thank you."})
        )
        text = json.dumps({"message": "not now"} if status else answer).encode()
        headers = {"Content-Type": "application/json", "X-Message-Id": f"sg-{number}"}
        if self.server.accepted and not status:
            ok, text = self.server.accepted.status_code, self.server.accepted.content
            headers = {name: value for name, value in self.server.accepted.headers.items() if name != "content-length"}
        self.send_response(status or ok)
        for name, value in {**headers, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)
