"""What every answer carries: an id, what caches may do, and, where another try may succeed, when."""

import json
import logging
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from fastapi import FastAPI

from app import main
from app.api.application import create
from app.errors import ServiceUnavailable
from app.wiring.parts import Container
from infra.gateway_answers import ANSWERS, put_request
from tests.api.conftest import Client
from tests.support.gateway import Context, call, proxy_event
from tests.support.served import Wire, request, serving

GOOD: dict[str, Any] = {"from": "app@example.com", "to": "ann@example.com", "subject": "Hello", "text": "It works."}


def failing(raised: Exception) -> Callable[[], Container]:
    def connect() -> NoReturn:
        raise raised

    return connect


def test_after_a_fault_of_ours_the_connection_is_kept_and_the_log_has_the_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A client that was not told would send its next request into a closed connection."""
    with (
        caplog.at_level(logging.INFO),
        serving(create(failing(ZeroDivisionError("secret")))) as port,
        Wire(port) as wire,
    ):
        answers = [wire.ask(request("GET", "/v1/emails")) for _ in range(3)]
    assert [status for status, _, _ in answers] == [500, 500, 500]
    ids = [headers["x-request-id"] for _, headers, _ in answers]
    assert all("X-Request-Id" in json.loads(body)["detail"] for _, _, body in answers)
    for message in ("unexpected", "request"):
        assert [vars(line)["request_id"] for line in caplog.records if line.getMessage() == message] == ids
    assert not [line for line in caplog.records if line.name.startswith("uvicorn") and line.levelno >= logging.ERROR]


def test_an_answer_that_breaks_off_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    app = create(failing(ZeroDivisionError()))

    async def breaking(scope: Any, receive: Any, send: Any) -> None:
        async def send_start(message: Any) -> None:
            await send(message)
            raise ConnectionError

        await app(scope, receive, send_start)

    with serving(breaking) as port, Wire(port) as wire, pytest.raises(AssertionError, match="the connection ended"):
        wire.ask(request("GET", "/docs"))


@pytest.mark.usefixtures("deployed")
def test_on_lambda_a_fault_has_the_id_of_the_invocation() -> None:
    working = main.app.state.connect
    main.app.state.connect = failing(ZeroDivisionError())
    answer = call(proxy_event("GET", "/v1/emails"))
    main.app.state.connect = working
    assert (answer["statusCode"], answer["headers"]["x-request-id"]) == (500, Context.aws_request_id)
    assert answer["headers"]["cache-control"] == "no-store"


CALLS = [("GET", "/v1/emails"), ("GET", "/v1/emails/eml_none"), ("PUT", "/v1/emails"), ("GET", "/v1/"), ("GET", "/v1")]


@pytest.mark.parametrize(
    ("method", "path"), [*CALLS, ("POST", "/v1/emails/"), ("GET", "/health"), ("OPTIONS", "/v1/emails")]
)
def test_no_cache_keeps_the_answer_to_a_call(client: Client, method: str, path: str) -> None:
    assert client.request(method, path).headers["Cache-Control"] == "no-store"


def test_nor_one_that_says_what_is_wrong_with_us() -> None:
    for raised in (ZeroDivisionError(), ServiceUnavailable("away")):
        assert Client(create(failing(raised)), "em_any").get("/v1/emails").headers["Cache-Control"] == "no-store"


def test_the_documentation_may_be_kept(client: Client) -> None:
    for path in ("/docs", "/openapi.json", "/docs/swagger-ui.css"):
        assert client.get(path).headers.get("Cache-Control") != "no-store"


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, "Bearer"),
        ({"Authorization": "Basic em_wrong"}, "Bearer"),
        ({"Authorization": "Bearer em_wrong"}, 'Bearer error="invalid_token"'),
    ],
)
def test_a_wrong_key_is_told_from_a_missing_one(client: Client, headers: dict[str, str], challenge: str) -> None:
    answer = client.get("/v1/emails", key=None, headers=headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, challenge)


def test_what_is_made_has_a_place(client: Client) -> None:
    sent = client.post("/v1/emails", json=GOOD)
    assert sent.headers["Location"] == f"/v1/emails/{sent.json()['id']}"
    made = client.post("/v1/suppressions", json={"address": "cid@example.com", "note": "asked us"})
    assert (made.status_code, made.headers["Location"]) == (201, f"/v1/suppressions/{made.json()['id']}")
    for answer in (sent, made):
        read = client.get(answer.headers["Location"])
        assert (read.status_code, read.json()["id"]) == (200, answer.json()["id"])


@pytest.mark.usefixtures("deployed")
def test_that_place_is_below_the_stage(client: Client) -> None:
    headers = {"Authorization": f"Bearer {client.key}", "Content-Type": "application/json"}
    body = json.dumps({"address": "dan@example.com", "note": "asked us"})
    answer = call(proxy_event("POST", "/v1/suppressions", headers, body=body))
    assert answer["headers"]["location"] == f"/dev/v1/suppressions/{json.loads(answer['body'])['id']}"


def test_the_document_has_these_headers(app: FastAPI) -> None:
    found = set()
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                found |= {(f"{method} {path}", status, name) for name in response.get("headers", ())}
                assert ("Retry-After" in response.get("headers", ())) is (status in {"429", "503"})
    assert {(call, status) for call, status, name in found if name == "Location"} == {
        ("post /v1/emails", "202"),
        ("post /v1/emails", "200"),
        ("post /v1/emails/{email_id}/retry", "202"),
        ("post /v1/suppressions", "201"),
        ("post /v1/keys", "201"),
        ("post /v1/webhook-endpoints", "201"),
        ("post /v1/webhook-endpoints/{endpoint_id}/test", "202"),
        ("post /v1/keys/{key_id}/rotate", "201"),
    }


def test_health_says_when_to_ask_again() -> None:
    answer = Client(create(failing(ServiceUnavailable("away"))), "em_any").get("/health")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_so_do_the_answers_of_the_gateway() -> None:
    for name, answer in ANSWERS.items():
        if answer.status in {429, 503, 504} or name == "DEFAULT_5XX":
            assert "gatewayresponse.header.Retry-After" in put_request(name, answer)["responseParameters"], name
