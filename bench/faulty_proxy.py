"""A server on raw sockets that fails in ways that the simulator cannot, and stands before the simulated SendGrid.

The calls that it lets through go to the simulator.
"""

import http.client
import json
import select
import socket
import ssl
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.local.simulator import accounts

# It differs from the simulator's key, because local mode would send to the simulator directly with that one.
API_KEY: Final = "SG.behind-a-proxy"
SIMULATED_KEY: Final = accounts.credentials("sendgrid")["SENDGRID_API_KEY"]
SLOW_S: Final = 20.0
IDLE_S: Final = 60.0  # no connection is kept longer than this


class Trouble(StrEnum):
    """What happens to a call."""

    NONE = "none"
    CONNECT_TIMEOUT = "connect_timeout"  # the listen backlog is full, so the TCP handshake never ends
    PLAIN_TEXT = "plain_text"  # HTTP is spoken where TLS is expected
    SELF_SIGNED = "self_signed"
    TOO_LARGE = "too_large"
    REFUSAL_IN_200 = "refusal_in_200"
    NO_ID_NOT_TAKEN = "no_id_not_taken"
    NO_ID_TAKEN = "no_id_taken"
    TAKEN_AFTER_SLOW = "taken_after_slow"  # it takes the email although the client has hung up, as a real server does
    TAKEN_THEN_SLOW = "taken_then_slow"


@dataclass(frozen=True, slots=True)
class Request:
    """A call, read to its last byte."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What is written back."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] | None = None


_REFUSAL: Final = json.dumps({"errors": [{"message": "The from address does not match a verified Sender Identity"}]})
_ANSWERS: Final[Mapping[Trouble, Answer]] = {
    Trouble.TOO_LARGE: Answer(413, b'{"errors": [{"message": "Request Entity Too Large"}]}'),
    Trouble.REFUSAL_IN_200: Answer(200, _REFUSAL.encode()),
    Trouble.NO_ID_NOT_TAKEN: Answer(202),
}


class FaultyProxy:
    """Listens on its own port until its `with` block ends. `upstream` is the simulated SendGrid's base URL."""

    def __init__(self, upstream: str = "") -> None:
        self.upstream = upstream
        self.trouble = Trouble.NONE
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port: Final[int] = self._socket.getsockname()[1]
        self._fillers: list[socket.socket] = []
        self._calls: list[threading.Thread] = []
        self._stop, self._not_accepting = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._listen, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.behave(Trouble.NONE)
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def behave(self, trouble: Trouble) -> None:
        """Treat every call like this from now on."""
        if self._fillers:
            for filler in self._fillers:
                filler.close()
            self._fillers.clear()
            self._not_accepting.release()
        self.trouble = trouble
        if trouble is Trouble.CONNECT_TIMEOUT:
            self._not_accepting.acquire()  # no connection is accepted while this lock is held
            self._fill()

    def drain(self) -> None:
        """Wait until every call has ended, also those whose client has hung up."""
        for call in self._calls:
            call.join(SLOW_S + IDLE_S)

    def _fill(self) -> None:
        """Connect until the kernel's backlog is full, so that every later connection has to wait."""
        while len(self._fillers) < 64:
            filler = socket.socket()
            self._fillers.append(filler)
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            if not select.select([], [filler], [], 0.3)[1]:
                return
        raise RuntimeError("the backlog cannot be filled on this machine")

    def _listen(self) -> None:
        while not self._stop.is_set():
            if not self._not_accepting.acquire(timeout=0.1):
                continue
            try:
                if select.select([self._socket], [], [], 0.05)[0]:
                    connection, _ = self._socket.accept()
                    call = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                    self._calls.append(call)
                    call.start()
            finally:
                self._not_accepting.release()

    def _serve(self, connection: socket.socket) -> None:
        trouble = self.trouble
        connection.settimeout(IDLE_S)
        try:
            match trouble:
                case Trouble.SELF_SIGNED:
                    _self_signed().wrap_socket(connection, server_side=True).close()
                case Trouble.PLAIN_TEXT:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                case _:
                    self._answer(connection, _read(connection), trouble)
        except (OSError, http.client.HTTPException):
            pass  # the client has gone, or does not trust the certificate
        finally:
            connection.close()

    def _answer(self, connection: socket.socket, request: Request, trouble: Trouble) -> None:
        match trouble:
            case Trouble.TAKEN_AFTER_SLOW:
                self._stop.wait(SLOW_S)
                answer = self._forward(request)
            case Trouble.TAKEN_THEN_SLOW:
                answer = self._forward(request)
                self._stop.wait(SLOW_S)
            case Trouble.NO_ID_TAKEN:
                self._forward(request)
                answer = Answer(202)
            case _:
                answer = _ANSWERS.get(trouble) or self._forward(request)
        _write(connection, answer)

    def _forward(self, request: Request) -> Answer:
        where = urlsplit(self.upstream)
        simulator = http.client.HTTPConnection(where.hostname or "", where.port, timeout=IDLE_S)
        try:
            headers = {
                **request.headers,
                "authorization": request.headers.get("authorization", "").replace(API_KEY, SIMULATED_KEY),
            }
            simulator.request(request.method, request.target, request.body, headers)
            answer = simulator.getresponse()
            return Answer(answer.status, answer.read(), dict(answer.getheaders()))
        finally:
            simulator.close()


def _read(connection: socket.socket) -> Request:
    with connection.makefile("rb") as stream:
        line = stream.readline()
        if not line:
            raise ConnectionError("the client closed the connection before it sent anything")
        method, target, _ = line.decode().split(" ", 2)
        headers = {name.lower(): value for name, value in http.client.parse_headers(stream).items()}
        body = stream.read(int(headers.get("content-length", 0)))
    return Request(method, target, headers, body)


def _write(connection: socket.socket, answer: Answer) -> None:
    dropped = {"connection", "content-length", "transfer-encoding"}
    lines = [f"{name}: {value}" for name, value in (answer.headers or {}).items() if name.lower() not in dropped]
    head = [
        f"HTTP/1.1 {answer.status} {http.client.responses[answer.status]}",
        *(lines or ["Content-Type: application/json"]),
        f"Content-Length: {len(answer.body)}",
        "Connection: close",
    ]
    connection.sendall("\r\n".join([*head, "", ""]).encode() + answer.body)


def _self_signed() -> ssl.SSLContext:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pair.pem"
        pkcs8 = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(pkcs8 + certificate.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(file)
    return context
