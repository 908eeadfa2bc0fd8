"""The application under a real server, and requests to it byte by byte."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def serving(app: ASGIApp, **settings: Any) -> Iterator[int]:
    """The port of a server that runs `app` as long as the context. `settings` are uvicorn's."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", **settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        threading.Event().wait(0.02)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


class Wire:
    """One connection to a server."""

    def __init__(self, port: int, timeout_s: float = 60) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._left = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, request: bytes, *, is_head: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Send bytes, and read one answer: status, headers by lower-case name, body."""
        self.socket.sendall(request)
        return self.read(is_head=is_head)

    def read(self, *, is_head: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Read one answer. Raises AssertionError if the connection ends before it does."""
        while b"\r\n\r\n" not in self._left:
            self._more()
        start, _, self._left = self._left.partition(b"\r\n\r\n")
        first, *lines = start.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        size = 0 if is_head else int(headers.get("content-length", "0"))
        while len(self._left) < size:
            self._more()
        body, self._left = self._left[:size], self._left[size:]
        return int(first.split()[1]), headers, body

    def is_closed(self) -> bool:
        """Wait until the server closes the connection. False: it has sent something instead."""
        return not self._left and self.socket.recv(1) == b""

    def _more(self) -> None:
        found = self.socket.recv(65536)
        assert found, f"the connection ended after {self._left!r}"
        self._left += found


def request(method: str, target: str, key: str = "", body: bytes = b"", *headers: str) -> bytes:
    """One request of HTTP/1.1, with `headers` as lines."""
    lines = [f"{method} {target} HTTP/1.1", "Host: api.test", *headers]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if body:
        lines += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
    return "\r\n".join([*lines, "", ""]).encode() + body
