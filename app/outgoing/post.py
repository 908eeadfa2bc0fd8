"""One POST to a URL that a user has named: bounded in time and size, followed nowhere, and judged where it connects.

A failure of the receiver is a value and no exception.
"""

import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpcore

from app.outgoing.network import Closed, Dial, Lookup, Network, OutOfTime, look_up, resolve
from app.outgoing.targets import Target, read_target

TIMEOUT_S: Final = 10.0
REPLY_BYTES: Final = 1_000  # of the answer's body are read, to be shown in the log of deliveries


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered. `status_code` is None if nothing was, and `fault` says in a word or two why.

    `reply` is the beginning of the answer's body; it is the receiver's text, and may hold anything. `retry_after_s` is
    what its header Retry-After says, if it says so in seconds (RFC 9110, 10.2.3; a date is not read).
    """

    status_code: int | None
    fault: str = ""
    reply: str = ""
    duration_ms: int = 0
    retry_after_s: int | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has taken the webhook: any status of 2xx says so, and no other does."""
        return self.status_code is not None and 200 <= self.status_code < 300


class Poster:
    """Posts webhooks. A poster may be shared between threads: no call knows of another.

    `is_local` allows http to this machine. `lookup` finds the addresses of a host, and `dial` connects to one.
    Certificates are verified with `ssl_context`. Nothing is read from the environment, so no proxy is used.
    """

    def __init__(
        self,
        *,
        is_local: bool,
        ssl_context: ssl.SSLContext,
        lookup: Lookup = look_up,
        dial: Dial = socket.create_connection,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._is_local, self._ssl_context, self._timeout_s = is_local, ssl_context, timeout_s
        self._lookup, self._dial = lookup, dial

    def check(self, url: str) -> None:
        """Raise ValueError, which says why, if this URL may not be called, as it is written or where it leads now."""
        target = read_target(url, is_local=self._is_local)
        try:
            resolve(self._lookup, target.name, target.port, target.fixed_addresses, time.monotonic() + self._timeout_s)
        except (Closed, OutOfTime) as why:
            raise ValueError(f"leads nowhere: {why}") from None
        except OSError:
            raise ValueError(f"leads nowhere: the host {target.host} was not found") from None

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post `body`, which is JSON, with these headers beside the usual ones."""
        began_s = time.monotonic()
        status_code, reply, retry_after_s = None, "", None
        try:
            target = read_target(url, is_local=self._is_local)
        except ValueError as why:
            return Answer(None, f"not called: it {why}")
        try:
            status_code, reply, retry_after_s = self._call(target, headers, body, began_s + self._timeout_s)
            fault = ""
        except Closed as why:
            fault = f"not called: {why}"
        except OutOfTime:
            fault = "timeout"
        except (OSError, httpcore.ProtocolError, httpcore.NetworkError) as error:
            fault = _word(error)
        return Answer(status_code, fault, reply, int((time.monotonic() - began_s) * 1000), retry_after_s)

    def _call(
        self, target: Target, headers: Mapping[str, str], body: bytes, until_s: float
    ) -> tuple[int, str, int | None]:
        sent = {
            "host": target.authority,
            "content-type": "application/json",
            "content-length": str(len(body)),
            "user-agent": "EmailsMinder-Webhooks/1",
            "accept-encoding": "identity",
            "connection": "close",
            **headers,
        }
        parts = (target.scheme, target.name, target.path)
        scheme, name, path = (part.encode() for part in parts)
        url = httpcore.URL(scheme=scheme, host=name, port=target.port, target=path)
        network = Network(self._lookup, self._dial, target.fixed_addresses, until_s)
        with (
            httpcore.ConnectionPool(self._ssl_context, max_keepalive_connections=0, network_backend=network) as pool,
            pool.stream("POST", url, headers=list(sent.items()), content=body) as answer,
        ):
            return answer.status, _beginning(answer), _retry_after_s(answer)


def _retry_after_s(answer: httpcore.Response) -> int | None:
    values = [value for name, value in answer.headers if name.lower() == b"retry-after"]
    return int(values[0]) if len(values) == 1 and re.fullmatch(rb"[0-9]{1,9}", values[0]) else None


def _beginning(answer: httpcore.Response) -> str:
    """The beginning of the body. A status that came counts, whatever becomes of the body behind it."""
    read = bytearray()
    try:
        for chunk in answer.iter_stream():
            read += chunk
            if len(read) >= REPLY_BYTES:
                break
    except (OSError, OutOfTime, httpcore.ProtocolError, httpcore.NetworkError):
        pass  # what came is shown
    return bytes(read[:REPLY_BYTES]).decode(errors="replace")


def _word(fault: Exception) -> str:
    """A fault in the words of an operator. Its own text may name addresses, and is not shown."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"certificate: {fault.verify_message}"
    words = {
        ssl.SSLError: "TLS failed",
        ConnectionRefusedError: "connection refused",
        socket.gaierror: "host not found",
        httpcore.ProtocolError: "no answer of HTTP",
        ConnectionError: "connection broken",
    }
    return next((word for kind, word in words.items() if isinstance(fault, kind)), "not reached")
