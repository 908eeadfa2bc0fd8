"""A server that does the same wrong thing with every request: what a client of AWS meets when the network is ill."""

import re
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
    SERVER_ERROR = "InternalServerError"
    THROTTLES = "ThrottlingException"
    TABLE_THROTTLES = "ProvisionedThroughputExceededException"
    ACCOUNT_THROTTLES = "RequestLimitExceeded"


class Refusal(StrEnum):
    """What DynamoDB answers to a call that is at fault, which is no trouble of the server."""

    FORBIDDEN = "AccessDeniedException"
    NO_TABLE = "ResourceNotFoundException"
    MALFORMED = "ValidationException"


def _error(status: int, code: str) -> bytes:
    """An answer of DynamoDB with this code."""
    body = f'{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": "about ann@example.net"}}'
    head = f"HTTP/1.1 {status} No\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


ANSWERS: dict[Trouble | Refusal, bytes] = {
    Trouble.SERVER_ERROR: _error(500, Trouble.SERVER_ERROR),
    **{one: _error(400, one) for one in (Trouble.THROTTLES, Trouble.TABLE_THROTTLES, Trouble.ACCOUNT_THROTTLES)},
    **{one: _error(400, one) for one in Refusal},
    Trouble.HALF: b'HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 99\r\n\r\n{"Item": ',
    Trouble.NONSENSE: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<p>Hi</p>",
    Trouble.GATEWAY: b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>Hi</p>",
}


def _read_request(connection: socket.socket) -> None:
    """Read a whole request, or what comes of it."""
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0 or len(received) < end + 4 + _length(received[:end]):
        more = connection.recv(65536)
        if not more:
            return
        received += more


def _length(head: bytes) -> int:
    found = re.search(rb"\r\ncontent-length: *([0-9]+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


class TroubledServer:
    """Accepts connections and does the same with each of them."""

    def __init__(self, trouble: Trouble | Refusal) -> None:
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
                _read_request(connection)  # else the end of the connection would overtake the answer
                if self._trouble is Trouble.RESETS:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.sendall(ANSWERS.get(self._trouble, b""))


@contextmanager
def troubled_server(trouble: Trouble | Refusal) -> Iterator[str]:
    """The URL of such a server, which runs as long as the context."""
    server = TroubledServer(trouble)
    try:
        yield server.url
    finally:
        server.close()
