"""A receiver of webhooks on this machine: it keeps what it takes, and may be down for a while."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from standardwebhooks.webhooks import Webhook


class Receiver:
    """Listens from its making on. `status` is what it answers with; `taken` are the bodies that it took, in order."""

    def __init__(self) -> None:
        self.status = 204
        self.taken: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.refused = 0
        self.secret = ""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver._answer(body, dict(self.headers.items())))
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def of(self, email_id: str) -> list[dict[str, Any]]:
        """What it took about an email, in the order of `sequence`, each change once."""
        found = {
            name: body
            for name, body in zip(list(self.ids), list(self.taken), strict=False)
            if body["data"].get("email_id") == email_id
        }
        return sorted(found.values(), key=lambda body: body["data"]["sequence"])

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, body: bytes, headers: dict[str, str]) -> int:
        if self.secret:
            Webhook(self.secret).verify(body, {name.lower(): value for name, value in headers.items()})
        if self.status >= 300:
            self.refused += 1
            return self.status
        self.ids.append(headers["webhook-id"])
        self.taken.append(json.loads(body))
        return self.status
