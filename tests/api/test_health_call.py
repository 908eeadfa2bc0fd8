"""GET /health: names what does not answer, within two seconds."""

import threading
from collections.abc import Iterator
from time import monotonic

import pytest

from app.api import health
from app.api.application import create
from app.api.health import Check
from app.domain.counts import Sums
from app.errors import ServiceUnavailable
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What answers has time for it: how fast this machine is says nothing of the parts."""
    monkeypatch.setattr(health, "ANSWER_WITHIN_S", 60)


def client_with(parts: Container, **checks: Check) -> Client:
    return Client(create(lambda: parts, checks=checks), "")


def refuses() -> None:
    raise ConnectionRefusedError


def is_away() -> None:
    raise ServiceUnavailable("away")


@pytest.fixture
def hangs() -> Iterator[Check]:
    over = threading.Event()

    def check() -> None:
        over.wait(60)

    yield check
    over.set()


def test_all_is_well(parts: Container) -> None:
    answer = client_with(parts, worker=lambda: None).get("/health", key=None)
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "parts": {"aws": "ok", "worker": "ok"}}


def test_what_does_not_answer_is_named(parts: Container) -> None:
    answer = client_with(parts, worker=refuses, simulator=is_away, clock=lambda: None).get("/health", key=None)
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["detail"] == "no answer from: worker, simulator"
    assert problem["parts"] == {"aws": "ok", "worker": "unavailable", "simulator": "unavailable", "clock": "ok"}


def test_a_part_may_say_what_is_wrong(parts: Container) -> None:
    full = "nothing can be kept: No space left on device"
    answer = client_with(parts, worker=refuses, storage=lambda: full).get("/health", key=None)
    assert answer.status_code == 503
    problem = answer.json()
    assert problem["detail"] == f"no answer from: worker; {full}"
    assert problem["parts"] == {"aws": "ok", "worker": "unavailable", "storage": full}
    assert client_with(parts, storage=lambda: full).get("/health", key=None).json()["detail"] == full


def test_the_whole_answer_may_take_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert health.ANSWER_WITHIN_S < 2


def test_parts_that_hang_are_not_waited_for(parts: Container, hangs: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ANSWER_WITHIN_S", 3)
    client = client_with(parts, worker=hangs, simulator=hangs)
    started_s = monotonic()
    answer = client.get("/health", key=None)
    assert monotonic() - started_s < 30, "all at once, and none to its end"
    assert answer.json()["parts"] == {"aws": "ok", "worker": "unavailable", "simulator": "unavailable"}


def test_counts_that_wait_are_written_with_any_request_but_not_with_each(parts: Container, clock: Clock) -> None:
    """An API process that was frozen after a burst of webhooks writes what it has counted when it is next asked."""
    client = client_with(parts)
    minute = clock.now_ms // 60_000

    def counted() -> int:
        return parts.monitor._store.minutes("sendgrid", 0, minute, minute + 1).reported

    before = counted()
    parts.monitor.flush(now=True)
    parts.monitor.count("sendgrid", clock.now_ms, Sums(reported=1))
    client.get("/health", key=None)
    assert counted() == before
    clock.advance(10)
    client.get("/health", key=None)
    assert counted() == before + 1


def test_counts_that_cannot_be_written_fail_no_request(
    parts: Container, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Sums:
        raise ServiceUnavailable("throttled")

    clock.advance(10)
    parts.monitor.count("sendgrid", clock.now_ms, Sums(reported=1))
    monkeypatch.setattr(parts.monitor._store, "add_minute", fail)
    assert client_with(parts).get("/health", key=None).status_code == 200
    monkeypatch.undo()
    clock.advance(10)
    client_with(parts).get("/health", key=None)
    assert not parts.monitor.is_flush_due()
