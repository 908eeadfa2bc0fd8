"""Each fault of each provider, as a client sees it."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import httpx
import pytest

from app.local.simulator.faults import ENDINGS, Fault
from tests.local.simulator.rig import CASES, Rig

PROVIDERS: Final = tuple(CASES)
BROKEN: Final = {"refuse_connection", "hang", "reset_after_body", "reset_after_accept"}
ACCEPTING = [(fault, provider) for fault in ENDINGS if fault != "reset_after_accept" for provider in PROVIDERS]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_fault_is_tested(provider: str) -> None:
    assert set(CASES[provider].answers) | {fault for fault, _ in ACCEPTING} | BROKEN == set(Fault)


@pytest.mark.parametrize(("fault", "provider"), [(fault, name) for name in CASES for fault in CASES[name].answers])
def test_a_fault_that_answers(rig: Rig, fault: str, provider: str) -> None:
    state = rig.behave(provider, fault=fault)
    eid, request = rig.letter(provider)

    answer = rig.http.send(request)

    status, words = CASES[provider].answers[fault]
    assert answer.status_code == status
    assert words in f"{answer.headers.get('x-amzn-errortype')}: {answer.text}"
    assert ("retry-after" in answer.headers) == (fault == "rate_limit")
    assert rig.inbox(eid) == []
    assert rig.behave(provider)["calls"] == state["calls"] + 1


@pytest.mark.parametrize(("fault", "provider"), ACCEPTING)
def test_a_fault_that_takes_the_email(rig: Rig, fault: str, provider: str) -> None:
    eid = rig.send(provider, fault=fault, webhooks=["off"])

    assert len(rig.inbox(eid)) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("fault", "taken"), [("reset_after_body", 0), ("reset_after_accept", 1)])
def test_a_connection_is_reset(rig: Rig, provider: str, fault: str, taken: int) -> None:
    rig.behave(provider, fault=fault)
    eid, request = rig.letter(provider)

    with pytest.raises(httpx.ReadError, match="reset"):
        rig.http.send(request)

    assert len(rig.inbox(eid)) == taken
    rig.behave(provider)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_refused_connection_and_the_same_port_again(rig: Rig, provider: str) -> None:
    kept_alive = rig.http
    kept_alive.send(rig.letter(provider)[1])
    calls = rig.behave(provider)["calls"]

    state = rig.behave(provider, fault="refuse_connection")

    with httpx.Client() as fresh:
        for client in (kept_alive, fresh):
            with pytest.raises(httpx.ConnectError):
                client.send(rig.letter(provider)[1])
    assert rig.behave(provider, fault="refuse_connection") == state
    assert rig.behave(provider)["calls"] == calls
    eid, request = rig.letter(provider)
    assert kept_alive.send(request).is_success
    assert len(rig.inbox(eid)) == 1


def test_a_call_under_way_does_not_survive_a_refused_connection(rig: Rig) -> None:
    rig.behave("mailgun", latency_ms=60_000)
    eid, request = rig.letter("mailgun")
    with under_way(rig, "mailgun", request) as call:
        rig.behave("mailgun", fault="refuse_connection")

        assert isinstance(call.exception(60), httpx.ReadError)
    rig.behave("mailgun")
    assert rig.inbox(eid) == []


def test_a_hang_ends_when_the_client_goes(rig: Rig) -> None:
    rig.behave("sendgrid", fault="hang")
    eid, request = rig.letter("sendgrid")

    with pytest.raises(httpx.ReadTimeout), httpx.Client(timeout=httpx.Timeout(60, read=0.3)) as impatient:
        impatient.send(request)

    rig.behave("sendgrid")
    assert rig.inbox(eid) == []


def test_a_hang_ends_when_the_fault_changes(rig: Rig) -> None:
    rig.behave("ses", fault="hang")
    eid, request = rig.letter("ses")
    with under_way(rig, "ses", request) as call:
        rig.behave("ses")

        assert isinstance(call.exception(60), httpx.ReadError)
    assert rig.inbox(eid) == []


@pytest.mark.parametrize("fault", ["none", "unavailable"])
def test_latency_delays_every_answer(rig: Rig, fault: str) -> None:
    rig.behave("sendgrid", latency_ms=250, fault=fault)
    started_s = time.monotonic()

    rig.http.send(rig.letter("sendgrid")[1])

    assert time.monotonic() - started_s >= 0.25
    rig.behave("sendgrid")


def test_a_fault_of_one_provider_is_not_the_others(rig: Rig) -> None:
    rig.behave("sendgrid", fault="refuse_connection")
    try:
        assert rig.http.send(rig.letter("mailgun")[1]).is_success
        assert rig.http.send(rig.letter("ses")[1]).is_success
    finally:
        rig.behave("sendgrid")


@contextmanager
def under_way(rig: Rig, provider: str, request: httpx.Request) -> Iterator[Future[httpx.Response]]:
    """A call that has arrived at the provider and is not answered yet."""
    before = _calls(rig, provider)
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(1) as thread:
        call = thread.submit(client.send, request)
        for _ in range(3000):
            if _calls(rig, provider) > before:
                break
            threading.Event().wait(0.02)
        else:
            pytest.fail("the call never arrived")
        assert not call.done()
        yield call


def _calls(rig: Rig, provider: str) -> int:
    return int(rig.control.get("/providers").json()[provider]["calls"])
