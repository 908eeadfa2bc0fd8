"""HTTP over sockets that know when the whole call must have ended.

httpx limits the time of each read and write, but not of the call: a server that sends one byte every few seconds would
hold a worker until the platform kills it, in the middle of a send. Here the limit is a moment, and every step gets the
time that is left until then.
"""

import queue
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
from app.providers.sdk.connection import KEEPALIVE_S, Call, Connection, Until, seconds_left

CONNECTIONS: Final = 64  # more than any process makes calls at once

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
    own exceptions, but none after the status has arrived. No proxies. A call that surely sent nothing is made once more
    on a new connection; if that fails in the same way, httpx.ConnectError is raised. Nothing else is tried again.
    Idle connections end by the time of day as well, as `clocks` tells it.
    """

    def __init__(
        self,
        timeout_s: float,
        connect_timeout_s: float,
        ssl_context: ssl.SSLContext,
        lookup: Lookup,
        clocks: Clocks | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._connect_timeout_s = min(connect_timeout_s, timeout_s)
        network = _Network(lookup, (clocks or Clocks(time.time)).wall)
        self._pool = httpcore.ConnectionPool(
            ssl_context, max_connections=CONNECTIONS, keepalive_expiry=KEEPALIVE_S, network_backend=network
        )
        self._unkept = httpcore.ConnectionPool(ssl_context, max_keepalive_connections=0, network_backend=network)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and read the answer, as far as it comes."""
        request.headers["Accept-Encoding"] = "identity"
        began_s = time.monotonic()
        call = Call(len(request.read()))
        try:
            answer = self._send(self._pool, request, began_s, call)
        except httpx.TransportError as fault:
            if not call.surely_sent_nothing:
                raise
            if isinstance(fault, httpx.TimeoutException):
                raise httpx.ConnectTimeout("the request was not whole in time", request=request) from fault
        else:
            if not call.found_it_closed:  # otherwise the answer was there before the call
                return answer
        call = Call(len(request.read()))
        try:
            return self._send(self._unkept, request, began_s, call)
        except httpx.TransportError as fault:
            if not call.surely_sent_nothing:
                raise
            raise httpx.ConnectError("the connection ended before the request was whole", request=request) from fault

    def _send(
        self, pool: httpcore.ConnectionPool, request: httpx.Request, began_s: float, call: Call
    ) -> httpx.Response:
        # httpcore passes these to the connection unchanged, as `timeout`, so they are moments and not durations. Only
        # "pool" is a duration, because httpcore itself uses it.
        until = {
            "pool": self._connect_timeout_s,
            "connect": began_s + self._connect_timeout_s,
            "write": Until.of(began_s + self._timeout_s, call),
            "read": began_s + self._timeout_s,
        }
        url = request.url
        outgoing = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.read(),
            extensions={"timeout": until},
        )
        try:
            answer = pool.handle_request(outgoing)
            try:
                return bodies.take(answer, request)
            finally:
                answer.close()
        except _FAULTS as fault:
            raise _SAME_NAME[type(fault)](str(fault), request=request) from fault

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()
        self._unkept.close()


class _Network(httpcore.NetworkBackend):
    """Connects. `timeout` is the moment by which the connection must be made."""

    def __init__(self, lookup: Lookup, wall: Callable[[], float]) -> None:
        self._lookup = lookup
        self._wall = wall

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 because httpcore names it
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 because httpcore names it
    ) -> httpcore.NetworkStream:
        try:
            return Connection(_connect(self._resolve(host, port, timeout), timeout), self._wall)
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
            answer = found.get(timeout=seconds_left(until))
        except queue.Empty:
            raise TimeoutError("the name lookup took too long") from None
        if isinstance(answer, OSError):
            raise answer
        return answer


def _connect(addresses: list[tuple[Any, ...]], until: float | None) -> socket.socket:
    """A connection to the first address that answers. Each gets a share of the time, so that all can be tried."""
    fault: OSError = OSError("the name has no address")
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        left = seconds_left(until)
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
