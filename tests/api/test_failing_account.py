"""An account of which calls fail is seen from its first failure: in GET /v1/providers and in /health."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from pynamodb.exceptions import QueryError

from app.delivery.monitor import Monitor
from app.delivery.recent_calls import CACHE_FOR_S
from app.domain.health import resume
from app.store.health import Healths
from app.wiring.parts import Container
from tests.api.conftest import Client
from tests.support.clock import Clock
from tests.support.outcomes import ACCOUNT, UNAVAILABLE, accepted


@pytest.fixture(autouse=True)
def _as_new(parts: Container, clock: Clock) -> Iterator[None]:
    clock.advance(CACHE_FOR_S)
    yield
    for name in parts.settings.providers:
        parts.monitor.update(name, partial(resume, now_ms=0))
    clock.advance(CACHE_FOR_S)


@pytest.fixture
def worker(parts: Container, clock: Clock) -> Monitor:
    """The monitor of another process, which makes the calls."""
    return Monitor(Healths(), parts.settings.providers, clock)


def shown(client: Client, name: str) -> Any:
    return next(one["recent"] for one in client.get("/v1/providers").json()["providers"] if one["name"] == name)


def test_a_first_failure_is_shown_with_its_kind_and_time(client: Client, worker: Monitor, clock: Clock) -> None:
    clock.now_s = 1_900_000_000.0
    worker.record_call("sendgrid", accepted(), 1)
    worker.record_call("sendgrid", UNAVAILABLE, 1)
    worker.flush()
    assert shown(client, "sendgrid") == {
        "calls": 2,
        "failures": 1,
        "last_error": {
            "at": "2030-03-17T17:46:40.000Z",
            "kind": "unavailable",
            "cause": "outage",
            "status_code": 503,
        },
    }
    assert shown(client, "mailgun") == {"calls": 0, "failures": 0, "last_error": None}


def test_a_resume_starts_anew(client: Client, worker: Monitor) -> None:
    worker.record_call("ses", ACCOUNT, 1)
    worker.flush()
    assert shown(client, "ses")["failures"] == 1
    assert client.post("/v1/providers/ses/resume").json()["recent"]["failures"] == 0


def test_health_is_degraded_by_the_account_and_a_count_and_says_no_more(
    client: Client, worker: Monitor, clock: Clock
) -> None:
    assert client.get("/health", key=None).json() == {"status": "ok", "parts": {"aws": "ok"}}
    for provider, failures in (("sendgrid", 1), ("ses", 2)):
        for _ in range(failures):
            worker.record_call(provider, UNAVAILABLE, 1)
    worker.record_call("mailgun", accepted(), 1)
    worker.flush(now=True)
    clock.advance(CACHE_FOR_S)
    answer = client.get("/health", key=None)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "degraded",
        "parts": {"aws": "ok"},
        "reasons": [
            "sendgrid: 1 failed call in the last five minutes",
            "ses: 2 failed calls in the last five minutes",
        ],
    }
    clock.advance(6 * 60)
    assert client.get("/health", key=None).json()["status"] == "ok"


def test_health_that_cannot_be_read_says_so_and_is_still_200(
    client: Client, parts: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise QueryError("throttled")

    monkeypatch.setattr(parts.recent_calls._store, "calls", fail)
    answer = client.get("/health", key=None)
    assert answer.status_code == 200
    assert answer.json()["reasons"] == ["it cannot be read how the accounts do"]
