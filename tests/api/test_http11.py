"""The server's own part of HTTP: what stalls or is not HTTP, how long connections live, what proxy is believed."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse

from app.api.body import BODY_LIMIT_BYTES
from app.api.http11 import Protocol
from infra.stages import ROOT
from tests.api.conftest import Client
from tests.support.served import Wire, request, serving

EMAIL = b'{"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}'
KEEP_ALIVE_S = 75


class Impatient(Protocol):
    """For clients that are ended. A busy machine has time to connect and to send what a test sends at once."""

    HEAD_WITHIN_S = 3
    PIECE_WITHIN_S = 3
    WHOLE_WITHIN_S = 5


class Steady(Protocol):
    """For clients that go on: each piece has time, and all of them together take longer than one may."""

    PIECE_WITHIN_S = 4
    WHOLE_WITHIN_S = 60


@pytest.fixture(scope="module")
def port(app: FastAPI) -> Iterator[int]:
    with serving(app, http=Protocol, timeout_keep_alive=KEEP_ALIVE_S) as found:
        yield found


@pytest.fixture(scope="module")
def impatient(app: FastAPI) -> Iterator[int]:
    with serving(app, http=Impatient, timeout_keep_alive=4) as found:
        yield found


@pytest.fixture(scope="module")
def steady(app: FastAPI) -> Iterator[int]:
    with serving(app, http=Steady, timeout_keep_alive=KEEP_ALIVE_S) as found:
        yield found


def refusal(wire: Wire, sent: bytes) -> tuple[int, str]:
    """Status and detail of an answer behind which the connection ends."""
    status, headers, body = wire.ask(sent)
    assert headers["connection"] == "close"
    assert headers["content-type"] == "application/problem+json"
    assert len(headers["x-request-id"]) == 16
    problem = json.loads(body)
    assert problem["status"] == status
    assert wire.is_closed()
    return status, problem["detail"]


def in_drops(wire: Wire, sent: bytes) -> bytes:
    """Send byte by byte, until there is an answer. Returns how it begins."""
    wire.socket.settimeout(0.1)
    for drop in sent:
        wire.socket.sendall(bytes([drop]))
        with suppress(TimeoutError):
            return wire.socket.recv(12)
    raise AssertionError("it was never ended")


def test_characters_beyond_ascii_in_a_query_are_told_how_to_be_written(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "app.api.http11"), Wire(port) as wire:
        found = refusal(wire, "GET /v1/emails?tag=Grüße HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert found == (400, "path and query must be ASCII: percent-encode them as UTF-8, so that ü is %C3%BC")
    assert "Gr" not in str([vars(record) for record in caplog.records if record.name == "app.api.http11"])


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "this port speaks plain HTTP"),
        (b"nonsense\r\n\r\n", "this is no request of HTTP/1.1"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, "the head of the request is too long: 65,536 bytes at most"),
        (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "this is no request of HTTP/1.1"),
    ],
)
def test_what_is_not_http_is_a_problem(port: int, sent: bytes, detail: str) -> None:
    with Wire(port) as wire:
        status, found = refusal(wire, sent)
    assert status == 400
    assert found.startswith(detail)


def test_a_head_that_arrives_in_two_pieces_is_looked_at_as_one(port: int) -> None:
    with Wire(port) as wire:
        wire.socket.sendall(b"GET /v1/emails?tag=Gr\xc3")
        assert refusal(wire, b"\xbc HTTP/1.1\r\nHost: a\r\n\r\n")[1].startswith("path and query must be ASCII")


def test_a_body_that_breaks_its_own_rules_is_a_problem(port: int, client: Client) -> None:
    start = request(
        "POST", "/v1/emails", client.key, b"", "Transfer-Encoding: chunked", "Content-Type: application/json"
    )
    with Wire(port) as wire:
        assert refusal(wire, start + b"nonsense\r\n")[0] == 400


@pytest.mark.parametrize("start", [b"G", b"GET / HTTP/1.1\r\nHost: a\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_a_head_that_stalls_is_ended(impatient: int, start: bytes) -> None:
    with Wire(impatient) as wire:
        found = refusal(wire, start)
    assert found == (408, "the head of the request did not come in time; send the request again")


def test_a_head_in_drops_is_ended_as_well(impatient: int) -> None:
    with Wire(impatient) as wire:
        assert in_drops(wire, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1000) == b"HTTP/1.1 408"


def test_a_body_that_stalls_is_ended_and_nothing_is_stored(
    impatient: int, client: Client, nothing_stored: None
) -> None:
    whole = request("POST", "/v1/emails", client.key, EMAIL)
    with Wire(impatient) as wire:
        found = refusal(wire, whole[:-5])
    assert found == (408, "the body of the request did not come in time; send the request again")


def test_a_body_in_drops_is_ended_as_well(impatient: int, client: Client, nothing_stored: None) -> None:
    whole = request("POST", "/v1/emails", client.key, EMAIL)
    with Wire(impatient) as wire:
        wire.socket.sendall(whole[: -len(EMAIL)])
        assert in_drops(wire, EMAIL) == b"HTTP/1.1 408"


def test_a_slow_body_that_goes_on_is_taken(steady: int, client: Client) -> None:
    whole = request("POST", "/v1/emails", client.key, EMAIL)
    with Wire(steady) as wire:
        for piece in (whole[:200], whole[200:-9], whole[-9:-3]):
            wire.socket.sendall(piece)
            wire.socket.settimeout(1.5)
            with pytest.raises(TimeoutError):
                wire.socket.recv(1)
        wire.socket.settimeout(30)
        assert wire.ask(whole[-3:])[0] == 202


def test_the_rest_of_a_body_that_was_answered_is_not_waited_for_long(impatient: int) -> None:
    """Without a key nobody reads the body. The answer has gone out, so that only the connection can end."""
    with Wire(impatient) as wire:
        assert wire.ask(request("POST", "/v1/emails", "", EMAIL)[:-5])[0] == 401
        assert wire.is_closed()


def test_behind_such_a_body_the_connection_is_as_good_as_before(steady: int) -> None:
    whole = request("POST", "/v1/emails", "", EMAIL)
    with Wire(steady) as wire:
        assert wire.ask(whole[:-5])[0] == 401
        assert wire.ask(whole[-5:] + request("GET", "/docs"))[0] == 200


def test_who_says_nothing_is_closed_like_a_kept_connection(impatient: int) -> None:
    with Wire(impatient) as silent, Wire(impatient) as used:
        assert used.ask(request("GET", "/docs"))[0] == 200
        assert silent.is_closed()
        assert used.is_closed()


def test_requests_behind_one_another_are_all_answered(impatient: int) -> None:
    with Wire(impatient) as wire:
        wire.socket.sendall(request("GET", "/docs") * 3 + b"GET / HT")
        assert [wire.read()[0] for _ in range(3)] == [200, 200, 200]
        assert refusal(wire, b"")[0] == 408


def test_a_large_body_is_taken_whole(port: int, client: Client) -> None:
    with Wire(port) as wire:
        assert wire.ask(request("POST", "/v1/emails", client.key, EMAIL.ljust(BODY_LIMIT_BYTES)))[0] == 202
        assert wire.ask(request("GET", "/v1/providers", client.key))[0] == 200


def _arguments() -> list[str]:
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    found: list[str] = json.loads(re.findall(r"^CMD (\[\"uvicorn.*)$", text, re.MULTILINE)[0])
    return found


def test_the_container_runs_so() -> None:
    arguments = _arguments()
    assert arguments[arguments.index("--http") + 1] == f"{Protocol.__module__}:{Protocol.__name__}"
    assert arguments[arguments.index("--timeout-keep-alive") + 1] == str(KEEP_ALIVE_S)
    assert not {"--proxy-headers", "--forwarded-allow-ips"} & set(arguments), "FORWARDED_ALLOW_IPS is the setting"


BEHIND = ["203.0.113.9", "https"]


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [
        (None, BEHIND),
        ("127.0.0.0/8", BEHIND),
        ("10.0.0.0/8", ["127.0.0.1", "http"]),
    ],
)
def test_the_environment_says_which_proxies_are_believed(
    monkeypatch: pytest.MonkeyPatch, trusted: str | None, seen: list[str]
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        given = Request(scope)
        assert given.client
        await JSONResponse([given.client.host, given.url.scheme])(scope, receive, send)

    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    if trusted:
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    headers = ("X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")
    with serving(app, http=Protocol) as port, Wire(port) as wire:
        assert json.loads(wire.ask(request("GET", "/", "", b"", *headers))[2]) == seen


def test_a_client_that_goes_away_leaves_no_timer(impatient: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for start in (b"", b"GET /", request("POST", "/v1/emails", "", EMAIL)[:-5]):
            with Wire(impatient) as gone:
                gone.socket.sendall(start)
        with Wire(impatient) as wire:
            assert wire.is_closed()  # later than any timer of theirs
    assert [record for record in caplog.records if record.name in ("asyncio", "uvicorn.error", "app.api.http11")] == []
