"""One connection to a provider: it keeps to the moment at which the call must have ended, and knows what it was handed.

A connection that is used again may have been closed by the server meanwhile, at the very moment of its reuse or while
this process was frozen. Then the call surely sent nothing, and may be made again on a new connection.
"""

import select
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

import httpcore

KEEPALIVE_S: Final = 5.0  # beyond it, a load balancer's idle limit may make a good send look uncertain


class Call:
    """What one call has handed to its connection."""

    def __init__(self, body_bytes: int) -> None:
        self._body_bytes = body_bytes
        self._writes = 0
        self._body_handed = 0
        self.found_it_closed = False  # something had come before the first byte, mostly the end

    @property
    def surely_sent_nothing(self) -> bool:
        """Whether the call reached a connection, and the server cannot have taken the request.

        The connection was at its end before the first byte, or the body is shorter than its Content-Length says.
        Everything else leaves it open: a whole request may have been read, whatever happened to the answer.
        """
        return self.found_it_closed or (self._writes > 0 and self._body_handed < self._body_bytes)

    def begin_write(self, *, is_closed: bool) -> bool:
        """Note a write. Returns whether it may be made: not on a connection that was closed before the first byte."""
        self.found_it_closed = self.found_it_closed or (not self._writes and is_closed)
        self._writes += 1
        return not self.found_it_closed

    def hand_over(self, count: int) -> None:
        """Note that the connection took `count` bytes. The first write is that of the headers."""
        if self._writes > 1:
            self._body_handed += count


class Until(float):
    """A moment of the monotonic clock, in seconds, by which a call must have ended; and the call.

    httpcore hands timeouts to the connection as they are.
    """

    call: Call

    @classmethod
    def of(cls, moment_s: float, call: Call) -> "Until":
        """The moment, for that call."""
        until = cls(moment_s)
        until.call = call
        return until


def seconds_left(until: float | None) -> float | None:
    """Seconds until `until`. Raises TimeoutError when it has passed: a timeout of 0 would mean "do not block"."""
    if until is None:
        return None
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the call took too long")
    return seconds


class Connection(httpcore.NetworkStream):
    """A connection. `timeout` is the moment by which the call must have ended; `wall` tells the time of day."""

    def __init__(self, connection: socket.socket, wall: Callable[[], float]) -> None:
        self._socket = connection
        self._wall = wall
        self._used_at_s = wall()
        self._answered = False  # it has carried a call before

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what comes."""
        try:
            self._socket.settimeout(seconds_left(timeout))
            found = self._socket.recv(max_bytes)
        except TimeoutError as fault:
            raise httpcore.ReadTimeout(str(fault)) from fault
        except OSError as fault:
            raise httpcore.ReadError(str(fault)) from fault
        self._answered, self._used_at_s = True, self._wall()
        return found

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of `buffer`, unless the connection was closed before the call's first byte."""
        call = timeout.call if isinstance(timeout, Until) else Call(0)
        if not call.begin_write(is_closed=self._answered and self._is_readable()):
            raise httpcore.WriteError("the server has closed the connection")
        remaining = memoryview(buffer)
        try:
            while remaining:
                self._socket.settimeout(seconds_left(timeout))
                count = self._socket.send(remaining)
                call.hand_over(count)
                remaining = remaining[count:]
        except TimeoutError as fault:
            raise httpcore.WriteTimeout(str(fault)) from fault
        except OSError as fault:
            raise httpcore.WriteError(str(fault)) from fault
        self._used_at_s = self._wall()

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted, its server verified."""
        try:
            self._socket.settimeout(seconds_left(timeout))
            return Connection(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname), self._wall)
        except TimeoutError as fault:
            self.close()
            raise httpcore.ConnectTimeout(str(fault)) from fault
        except OSError as fault:  # a certificate that cannot be verified is an OSError, too
            self.close()
            raise httpcore.ConnectError(str(fault)) from fault

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks. It closes an idle connection that `is_readable`, and makes a new one.

        Idle ones end by the time of day as well, because the monotonic clock may stand still while a process is frozen.
        """
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        if info == "is_readable":
            return not 0 <= self._wall() - self._used_at_s <= KEEPALIVE_S or self._is_readable()
        return None

    def _is_readable(self) -> bool:
        """Whether something has come that nobody asked for: mostly the end, and never an answer to the next call."""
        if self._socket.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))
