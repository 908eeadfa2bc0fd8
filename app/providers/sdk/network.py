"""HTTP over sockets that know when the whole call must have ended.

httpx limits the time of each read and write, but not of the call: a server that sends one byte every few seconds would
hold a worker until the platform kills it, in the middle of a send. Here the limit is a moment, and every step gets the
time that is left until then.
"""

import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import httpcore
import httpx

from app.domain.freshness import Clocks
from app.providers.sdk import bodies
from app.providers.sdk.standstill import Stopwatch

CONNECTIONS: Final = 64  # more than any process makes calls at once
KEEPALIVE_S: Final = 5.0  # beyond it, a load balancer's idle limit may make a good send look uncertain

Lookup = Callable[[str, int, int, int], list[tuple[Any, ...]]]  # as socket.getaddrinfo: host, port, family, type

# httpcore's errors and the same errors of httpx (httpx/_transports/default.py); parents come last.
_SAME_NAME: Final[dict[type[Exception], type[httpx.TransportError]]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.ProxyError: httpx.ProxyError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
}
_FAULTS: Final = tuple(_SAME_NAME)


class Wire(httpx.BaseTransport):
    """An httpx transport whose every call, from name lookup to the last byte read, ends within `timeout_s`.

    Connecting (waiting for a free connection, name lookup, TCP, TLS) has `connect_timeout_s` of that. Raises httpx's
    own exceptions, but none after the status has arrived. No retries, no proxies.
    """

    def __init__(
        self,
        timeout_s: float,
        connect_timeout_s: float,
        ssl_context: ssl.SSLContext,
        lookup: Lookup,
        clocks: Clocks | None = None,
    ) -> None:
        self._clocks = clocks or Clocks(time.time)
        self._last_call = Stopwatch.start(self._clocks)
        self._timeout_s = timeout_s
        self._connect_timeout_s = min(connect_timeout_s, timeout_s)
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=CONNECTIONS,
            keepalive_expiry=KEEPALIVE_S,
            network_backend=_Network(lookup),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and read the answer, as far as it comes."""
        self._forget_connections_after_sleep()
        now = time.monotonic()
        # httpcore passes these to the socket unchanged, as `timeout`, so they are moments and not durations. Only
        # "pool" is a duration, because httpcore itself uses it.
        until = {
            "pool": self._connect_timeout_s,
            "connect": now + self._connect_timeout_s,
            "write": now + self._timeout_s,
            "read": now + self._timeout_s,
        }
        url = request.url
        request.headers["Accept-Encoding"] = "identity"
        outgoing = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.read(),
            extensions={"timeout": until},
        )
        try:
            answer = self._pool.handle_request(outgoing)
            try:
                return bodies.take(answer, request)
            finally:
                answer.close()
        except _FAULTS as fault:
            raise _SAME_NAME[type(fault)](str(fault), request=request) from fault

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def _forget_connections_after_sleep(self) -> None:
        """Close what was open before the machine slept: the other side has gone, and KEEPALIVE_S did not pass here."""
        since, self._last_call = self._last_call, Stopwatch.start(self._clocks)
        if since.slept():
            for connection in self._pool.connections:
                if connection.is_idle():
                    connection.close()


def _left(until: float | None) -> float | None:
    """Seconds until `until`. Raises TimeoutError when it has passed: a timeout of 0 would mean "do not block"."""
    if until is None:
        return None
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the call took too long")
    return left


class _Network(httpcore.NetworkBackend):
    """Connects. `timeout` is the moment by which the connection must be made."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 because httpcore names it
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 because httpcore names it
    ) -> httpcore.NetworkStream:
        try:
            return _Socket(_connect(self._resolve(host, port, timeout), timeout))
        except TimeoutError as fault:
            raise httpcore.ConnectTimeout(str(fault)) from fault
        except OSError as fault:
            raise httpcore.ConnectError(str(fault)) from fault

    def _resolve(self, host: str, port: int, until: float | None) -> list[tuple[Any, ...]]:
        """The addresses of `host`. They are looked up in another thread, because getaddrinfo takes no timeout."""
        found: queue.SimpleQueue[list[tuple[Any, ...]] | OSError] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                found.put(self._lookup(host, port, 0, socket.SOCK_STREAM))
            except OSError as fault:
                found.put(fault)
            except UnicodeError as fault:  # a label longer than DNS allows
                found.put(OSError(str(fault)))

        threading.Thread(target=look_up, daemon=True).start()
        try:
            answer = found.get(timeout=_left(until))
        except queue.Empty:
            raise TimeoutError("the name lookup took too long") from None
        if isinstance(answer, OSError):
            raise answer
        return answer


def _connect(addresses: list[tuple[Any, ...]], until: float | None) -> socket.socket:
    """A connection to the first address that answers. Each gets a share of the time, so that all can be tried."""
    fault: OSError = OSError("the name has no address")
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        left = _left(until)
        try:
            connection = socket.socket(family, kind, protocol)
        except OSError as last:  # the machine lacks this family, IPv6 for example
            fault = last
            continue
        try:
            connection.settimeout(None if left is None else left / (len(addresses) - tried))
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as last:
            connection.close()
            fault = last
        else:
            return connection
    raise fault


class _Socket(httpcore.NetworkStream):
    """A connection. `timeout` is the moment by which the call must have ended."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._socket.settimeout(_left(timeout))
            return self._socket.recv(max_bytes)
        except TimeoutError as fault:
            raise httpcore.ReadTimeout(str(fault)) from fault
        except OSError as fault:
            raise httpcore.ReadError(str(fault)) from fault

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        remaining = memoryview(buffer)
        try:
            while remaining:
                self._socket.settimeout(_left(timeout))
                remaining = remaining[self._socket.send(remaining) :]
        except TimeoutError as fault:
            raise httpcore.WriteTimeout(str(fault)) from fault
        except OSError as fault:
            raise httpcore.WriteError(str(fault)) from fault

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            self._socket.settimeout(_left(timeout))
            return _Socket(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname))
        except TimeoutError as fault:
            self.close()
            raise httpcore.ConnectTimeout(str(fault)) from fault
        except OSError as fault:  # a certificate that cannot be verified is an OSError, too
            self.close()
            raise httpcore.ConnectError(str(fault)) from fault

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        if info == "is_readable":  # an idle connection that can be read has been closed by the other side
            return self._socket.fileno() < 0 or _readable(self._socket)
        return None


def _readable(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
