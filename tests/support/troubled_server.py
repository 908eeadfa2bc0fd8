"""A server that does the same wrong thing with every request: what a client of AWS meets when the network is ill."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum


class Trouble(StrEnum):
    """What the server does with every request."""

    CLOSES = "closes"
    RESETS = "resets"
    STALLS = "stalls"
    HALF = "half an answer"
    NONSENSE = "an answer that is no JSON"
    GATEWAY = "a gateway's page"


ANSWERS = {
    Trouble.HALF: b'HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 99\r\n\r\n{"Item": ',
    Trouble.NONSENSE: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<p>Hi</p>",
    Trouble.GATEWAY: b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>Hi</p>",
}


class TroubledServer:
    """Accepts connections and does the same with each of them."""

    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def close(self) -> None:
        """End it, and every connection that it holds open."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            if self._trouble is Trouble.STALLS:
                self._open.append(connection)
                continue
            with connection, suppress(OSError):
                connection.recv(65536)
                if self._trouble is Trouble.RESETS:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.sendall(ANSWERS.get(self._trouble, b""))


@contextmanager
def troubled_server(trouble: Trouble) -> Iterator[str]:
    """The URL of such a server, which runs as long as the context."""
    server = TroubledServer(trouble)
    try:
        yield server.url
    finally:
        server.close()
