"""A server on this machine that does with a connection whatever a test says."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from threading import Event, Thread

import httpx

STEP_S = 0.05  # between two bytes of a drip


class Line:
    """One connection, as the server sees it."""

    def __init__(self, connection: socket.socket, closing: Event) -> None:
        self._socket = connection
        self._closing = closing

    def read_request(self) -> bytes:
        """One whole request (head and body), or b"" if the client has gone."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self._socket.recv(65536)
            if not chunk:
                return b""
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        missing = int(lengths[0]) - len(body) if lengths else 0
        while missing > 0:
            chunk = self._socket.recv(65536)
            if not chunk:
                return b""
            data += chunk
            missing -= len(chunk)
        return data

    def read_some(self) -> bytes:
        """The beginning of a request."""
        return self._socket.recv(4096)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def drip(self, data: bytes) -> None:
        """One byte at a time, until the client or the test has had enough."""
        for byte in data:
            if self._closing.wait(STEP_S):
                return
            self._socket.sendall(bytes([byte]))

    def sip(self) -> None:
        """Read a little at a time, until the client or the test has had enough."""
        while not self._closing.wait(STEP_S) and self._socket.recv(4096):
            pass

    def hold(self) -> None:
        """Neither read nor say anything until the test ends."""
        self._closing.wait(60)

    def reset(self) -> None:
        """Close so that the client sees a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self._socket.close()


Script = Callable[[Line], None]


class Peer:
    """A listening socket; each connection runs `script` in a thread of its own."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script, self._tls = script, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._closing = Event()
        self._open: list[socket.socket] = []
        self._threads = [Thread(target=self._accept)]
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.connections = 0
        self._threads[0].start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection:
                self._script(Line(connection, self._closing))

    def wait_until_served(self) -> None:
        """Until every connection so far has been closed on this side."""
        for thread in self._threads[1:]:
            thread.join(timeout=60)

    def close(self) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:  # wakes what reads from a connection that the client keeps
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=60)


@contextlib.contextmanager
def peer(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """A peer for the length of a `with` block."""
    server = Peer(script, tls)
    try:
        yield server
    finally:
        server.close()


def answer(response: httpx.Response, more: Mapping[str, str] = {}) -> Script:
    """Answer every request of a connection with `response`, and with `more` headers that httpx would read itself."""
    told = {"content-length": str(len(response.content)), **response.headers, **more}
    lines = [f"HTTP/1.1 {response.status_code} Answer", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    whole = "\r\n".join(lines).encode() + response.content

    def script(line: Line) -> None:
        while line.read_request():
            line.send(whole)

    return script
