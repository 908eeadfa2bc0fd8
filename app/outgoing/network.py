"""Connections to the hosts that users name. Each host is resolved anew, judged, and called at the very address judged.

So a name that resolves to something else a moment later gains nothing. Every step gets the time that is left of the
whole call.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any, Final, TypeVar

import httpcore

from app.outgoing.addresses import why_host_closed

Lookup = Callable[[str, int], Sequence[str]]  # the addresses of a host; raises OSError
Dial = Callable[[tuple[str, int], float], socket.socket]  # as socket.create_connection: address and port, timeout
Done = TypeVar("Done")

MOST_ADDRESSES: Final = 4  # of a host are tried; a receiver with more has a load balancer at each of them


class Closed(Exception):
    """The host may not be called: it says why."""


class OutOfTime(Exception):
    """The call did not end within its time."""


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system's resolver has them. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except UnicodeError as fault:  # a label longer than DNS allows
        raise OSError(str(fault)) from fault
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def resolve(lookup: Lookup, host: str, port: int, fixed: Sequence[str], until_s: float) -> Sequence[str]:
    """The addresses of a host that may be called. `fixed` are those of a host that nobody is asked for.

    They are looked up in another thread, because a lookup takes no timeout. Raises Closed, OutOfTime and OSError.
    """
    if fixed:
        return fixed
    found: queue.SimpleQueue[Sequence[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found.put(lookup(host, port))
        except OSError as fault:
            found.put(fault)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = found.get(timeout=left_s(until_s))
    except queue.Empty:
        raise OutOfTime("the host was not found in time") from None
    if isinstance(answer, OSError):
        raise answer
    if why := why_host_closed(answer):
        raise Closed(why)
    return answer


def left_s(until_s: float) -> float:
    """Seconds until that moment of the monotonic clock. Raises OutOfTime when it has passed."""
    left = until_s - time.monotonic()
    if left <= 0:
        raise OutOfTime("the call took too long")
    return left


def _in_turns(addresses: Sequence[str]) -> list[str]:
    """The addresses, those of the two families in turns: a machine may reach only one of them."""
    first = ":" in addresses[0]
    families: tuple[list[str], list[str]] = ([], [])
    for address in addresses:
        families[(":" in address) is not first].append(address)
    return [address for pair in zip_longest(*families) for address in pair if address is not None]


class Network(httpcore.NetworkBackend):
    """Connects for one call. httpcore's own timeouts are not used: `until_s` bounds every step."""

    def __init__(self, lookup: Lookup, dial: Dial, fixed: Sequence[str], until_s: float) -> None:
        self._lookup, self._dial, self._fixed, self._until_s = lookup, dial, fixed, until_s

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 because httpcore names it
        local_address: str | None = None,  # noqa: ARG002 because httpcore names it
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 because httpcore names it
    ) -> httpcore.NetworkStream:
        """A connection to the first of the host's addresses that answers; each gets a share of the time."""
        addresses = _in_turns(resolve(self._lookup, host, port, self._fixed, self._until_s))[:MOST_ADDRESSES]
        fault: OSError = OSError("the host has no address")
        for tried, address in enumerate(addresses):
            share_s = left_s(self._until_s) / (len(addresses) - tried)
            try:
                return Stream(self._dial((address, port), share_s), self._until_s)
            except OSError as last:
                fault = last
        raise fault


class Stream(httpcore.NetworkStream):
    """One connection, which ends at `until_s`."""

    def __init__(self, connection: socket.socket, until_s: float) -> None:
        self._socket, self._until_s = connection, until_s

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 because httpcore names it
        """Read what comes."""
        return self._bounded(lambda: self._socket.recv(max_bytes))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 because httpcore names it
        """Write all of it. A receiver that reads slowly gets no more time for each part."""
        remaining = memoryview(buffer)
        while remaining:
            remaining = remaining[self._bounded(partial(self._socket.send, remaining)) :]

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 because httpcore names it
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted, its server verified by the name of the URL."""
        try:
            encrypted = self._bounded(lambda: ssl_context.wrap_socket(self._socket, server_hostname=server_hostname))
        except (OSError, OutOfTime):
            self.close()
            raise
        return Stream(encrypted, self._until_s)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks."""
        return self._socket if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket) else None

    def _bounded(self, step: Callable[[], Done]) -> Done:
        self._socket.settimeout(left_s(self._until_s))
        try:
            return step()
        except TimeoutError:
            raise OutOfTime("the receiver took too long") from None
