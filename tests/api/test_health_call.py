"""GET /health: names what does not answer, within two seconds."""

import threading
from collections.abc import Iterator
from time import monotonic

import pytest

from app.api.application import create
from app.api.health import Check
from app.errors import ServiceUnavailable
from app.wiring.parts import Container
from tests.api.conftest import Client


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
        over.wait(30)

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


def test_parts_that_hang_are_not_waited_for(parts: Container, hangs: Check) -> None:
    client = client_with(parts, worker=hangs, simulator=hangs)
    started_s = monotonic()
    answer = client.get("/health", key=None)
    assert monotonic() - started_s < 2
    assert answer.json()["parts"] == {"aws": "ok", "worker": "unavailable", "simulator": "unavailable"}
