"""Connections that were kept: one that has ended meanwhile costs a new connection, and neither a copy nor a wait."""

import socket
from collections.abc import Iterator
from dataclasses import replace

import httpcore
import pytest

from app.domain.email import Attachment
from app.domain.freshness import Clocks
from app.domain.kinds import Kind
from app.providers.sdk.connection import KEEPALIVE_S, Connection
from tests.providers.calls import ACCEPTED, send, transport_of
from tests.providers.case import SAMPLE
from tests.providers.peer import Line, answer, peer
from tests.support.clock import Clock

OK = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m-1\r\nContent-Length: 0\r\n\r\n"
HUGE = replace(
    SAMPLE, content=replace(SAMPLE.content, attachments=(Attachment("a.bin", "application/pdf", b"x" * 9_000_000),))
)


@pytest.fixture
def unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client has just looked at the connection when its end comes: what it was told is that all is well."""
    monkeypatch.setattr(Connection, "get_extra_info", lambda *_: None)


class Requests:
    """Answers the first request of a connection and then does something else; counts the whole requests."""

    def __init__(self, last_words: bytes = b"") -> None:
        self.count = 0
        self._last_words = last_words

    def __call__(self, line: Line) -> None:
        if line.read_request():
            self.count += 1
            line.send(OK + self._last_words)


@pytest.mark.usefixtures("unnoticed")
@pytest.mark.parametrize(
    "last_words", [b"", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"]
)
def test_one_that_ends_at_the_moment_of_its_reuse_is_replaced(last_words: bytes) -> None:
    """What a server says before it ends an idle connection is no answer to the call that comes then."""
    requests = Requests(last_words)
    with peer(requests) as server, transport_of() as transport:
        for number in range(1, 4):
            outcome = send(transport, server.url).outcome
            assert (outcome.kind, outcome.status_code) == (Kind.ACCEPTED, 202)
            assert (server.connections, requests.count) == (number, number)
            server.wait_until_served()


@pytest.mark.usefixtures("unnoticed")
def test_a_request_that_was_written_whole_and_then_reset_is_uncertain_and_not_made_again() -> None:
    def second_is_reset(line: Line) -> None:
        line.read_request()
        line.send(OK)
        line.read_request()
        line.reset()

    with peer(second_is_reset) as server, transport_of() as transport:
        assert send(transport, server.url).outcome.kind is Kind.ACCEPTED
        assert send(transport, server.url).outcome.kind is Kind.UNCERTAIN
        assert server.connections == 1


def test_a_request_that_breaks_off_is_made_once_more() -> None:
    lines: Iterator[int] = iter(range(10))

    def first_breaks(line: Line) -> None:
        if next(lines) == 0:
            line.read_some()
            line.reset()
        else:
            answer(ACCEPTED)(line)

    with peer(first_breaks) as server, transport_of() as transport:
        assert send(transport, server.url, HUGE).outcome.kind is Kind.ACCEPTED
        assert server.connections == 2


def test_a_request_that_breaks_off_twice_is_given_up_as_surely_not_sent() -> None:
    def breaks(line: Line) -> None:
        line.read_some()
        line.reset()

    with peer(breaks) as server, transport_of() as transport:
        assert send(transport, server.url, HUGE).outcome.kind is Kind.UNAVAILABLE
        assert server.connections == 2


@pytest.mark.parametrize("passed_s", [KEEPALIVE_S + 1, 3600, -1])
def test_an_idle_one_ends_by_the_time_of_day_as_well(passed_s: float) -> None:
    """The monotonic clock may stand still while a process is frozen; the time of day may be set back."""
    wall = Clock()
    with peer(answer(ACCEPTED)) as server, transport_of(clocks=Clocks(wall, Clock())) as transport:
        assert send(transport, server.url).outcome.kind is Kind.ACCEPTED
        wall.advance(passed_s)
        assert send(transport, server.url).outcome.kind is Kind.ACCEPTED
        assert server.connections == 2
        wall.advance(KEEPALIVE_S - 1)
        assert send(transport, server.url).outcome.kind is Kind.ACCEPTED
        assert server.connections == 2


def test_a_new_connection_may_be_readable_before_the_first_byte() -> None:
    """A server may speak first on a new one: that is no end, and its answer counts."""

    def eager(line: Line) -> None:
        line.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        line.read_request()

    with peer(eager) as server, transport_of() as transport:
        outcome = send(transport, server.url).outcome
        assert (outcome.kind, outcome.status_code, server.connections) == (Kind.UNAVAILABLE, 503, 1)


def test_nothing_is_written_to_one_that_has_ended() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        connection = Connection(ours, Clock())
        theirs.sendall(b"x")
        assert connection.read(1) == b"x"
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(httpcore.WriteError):
            connection.write(b"POST / HTTP/1.1\r\n\r\n")
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)
        connection.close()
