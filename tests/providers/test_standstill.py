"""A call over which this process stood still: the machine slept, or somebody stopped the process."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from app.domain.counts import is_outage
from app.domain.freshness import Clocks
from app.domain.kinds import Cause, Kind
from app.providers.sdk.standstill import SLACK_S, Stopwatch
from tests.providers.calls import BRIEF_S, send, transport_of
from tests.providers.peer import Line, peer
from tests.support.clock import Clock

HOUR_S = 3600
OK = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m-1\r\nContent-Length: 0\r\n\r\n"
Happens = Callable[[Clock, Clock], None]


def sleeps(wall: Clock, monotonic: Clock) -> None:
    wall.advance(HOUR_S)


def is_stopped(wall: Clock, monotonic: Clock) -> None:
    wall.advance(HOUR_S)
    monotonic.advance(HOUR_S)


def works(wall: Clock, monotonic: Clock) -> None:
    wall.advance(0.5)
    monotonic.advance(0.5)


def is_set_back(wall: Clock, monotonic: Clock) -> None:
    wall.advance(-HOUR_S)


@pytest.mark.parametrize(
    ("happens", "cause"),
    [
        (sleeps, Cause.UNKNOWN),
        (is_stopped, Cause.UNKNOWN),
        (works, Cause.OUTAGE),
        (is_set_back, Cause.OUTAGE),
    ],
)
def test_a_reset_after_a_standstill_is_uncertain_and_no_outage(happens: Happens, cause: Cause) -> None:
    wall, monotonic = Clock(), Clock()

    def script(line: Line) -> None:
        line.read_request()
        happens(wall, monotonic)
        line.reset()

    with peer(script) as server, transport_of(clocks=Clocks(wall, monotonic)) as transport:
        outcome = send(transport, server.url).outcome
    assert (outcome.kind, outcome.cause) == (Kind.UNCERTAIN, cause)
    assert is_outage(outcome) is (cause is Cause.OUTAGE)
    assert ("stood still" in outcome.reply) is (cause is Cause.UNKNOWN)


def test_a_timeout_after_a_standstill_is_uncertain_and_no_outage() -> None:
    wall, monotonic = Clock(), Clock()

    def script(line: Line) -> None:
        line.read_request()
        is_stopped(wall, monotonic)
        line.hold()

    with peer(script) as server, transport_of(BRIEF_S, clocks=Clocks(wall, monotonic)) as transport:
        outcome = send(transport, server.url).outcome
    assert (outcome.kind, outcome.cause) == (Kind.UNCERTAIN, Cause.UNKNOWN)


def test_a_call_that_surely_was_not_sent_stays_that() -> None:
    wall, monotonic = Clock(), Clock()

    def lookup(*_: object) -> list[tuple[Any, ...]]:
        sleeps(wall, monotonic)
        raise OSError("no name server")

    with transport_of(lookup=lookup, clocks=Clocks(wall, monotonic)) as transport:
        outcome = send(transport, "https://api.invalid").outcome
    assert (outcome.kind, outcome.cause) == (Kind.UNAVAILABLE, Cause.UNKNOWN)


def test_what_the_provider_answers_counts_after_a_standstill_too() -> None:
    wall, monotonic = Clock(), Clock()

    def script(line: Line) -> None:
        line.read_request()
        is_stopped(wall, monotonic)
        line.send(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n")

    with peer(script) as server, transport_of(clocks=Clocks(wall, monotonic)) as transport:
        outcome = send(transport, server.url).outcome
    assert (outcome.kind, outcome.cause) == (Kind.UNAVAILABLE, Cause.OUTAGE)


@pytest.mark.parametrize(("happens", "connections"), [(sleeps, 2), (works, 1)])
def test_a_connection_from_before_a_sleep_is_not_used(happens: Happens, connections: int) -> None:
    """The provider has closed it long since, and what told us so may have been lost with the network."""
    wall, monotonic = Clock(), Clock()
    opened: list[Line] = []

    def script(line: Line) -> None:
        opened.append(line)
        while line.read_request():
            line.send(OK)

    with peer(script) as server, transport_of(clocks=Clocks(wall, monotonic)) as transport:
        assert send(transport, server.url).outcome.kind is Kind.ACCEPTED
        happens(wall, monotonic)
        assert send(transport, server.url).outcome.kind is Kind.ACCEPTED
    assert len(opened) == connections


def test_the_clocks_of_a_machine_that_is_awake_agree() -> None:
    watch = Stopwatch.start(Clocks(time.time))
    assert not watch.stood_still(60)
    assert not watch.slept()


@pytest.mark.parametrize(("seconds", "stood_still"), [(9.9, False), (10 + SLACK_S + 0.1, True)])
def test_who_takes_longer_than_is_allowed_stood_still(seconds: float, stood_still: bool) -> None:
    wall, monotonic = Clock(), Clock()
    watch = Stopwatch.start(Clocks(wall, monotonic))
    wall.advance(seconds)
    monotonic.advance(seconds)
    assert watch.stood_still(10) is stood_still
