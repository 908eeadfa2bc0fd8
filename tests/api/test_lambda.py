"""The application as Lambda runs it: events of API Gateway in, answers of API Gateway out."""

import asyncio
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from app import main
from app.settings import Process
from app.wiring import process
from app.wiring.parts import Container
from tests.api.conftest import Client


class Context:
    """As much of Lambda's context as is looked at."""

    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


def rest_event(
    method: str, path: str, *, stage: str = "dev", body: str | None = None, **headers: str
) -> dict[str, Any]:
    """What a REST API with a proxy integration sends."""
    sent = {"Host": "abc123.execute-api.us-east-1.amazonaws.com", "X-Forwarded-Proto": "https"} | headers
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "path": f"/{stage}{path}",
            "stage": stage,
            "httpMethod": method,
            "requestId": "id",
            "apiId": "abc123",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def http_event(method: str, path: str, stage: str = "dev") -> dict[str, Any]:
    """What an HTTP API sends: version 2.0, the stage in the path."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": f"/{stage}{path}",
        "rawQueryString": "",
        "headers": {"host": "abc123.execute-api.us-east-1.amazonaws.com", "x-forwarded-proto": "https"},
        "requestContext": {
            "stage": stage,
            "http": {"method": method, "path": f"/{stage}{path}", "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"},
        },
        "isBase64Encoded": False,
    }


@pytest.fixture(scope="module", autouse=True)
def _container(parts: Container) -> Iterator[None]:
    """The deployed application, over the container of the tests, in an event loop as Lambda's process has one."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    main.app.state.connect = lambda: parts
    yield
    main.app.state.connect = partial(process.container, Process.API)
    asyncio.set_event_loop(None)
    loop.close()


def call(event: dict[str, Any]) -> dict[str, Any]:
    return main.handler(event, Context())


def test_a_problem_stays_text() -> None:
    answer = call(rest_event("GET", "/v1/emails/eml_none"))
    assert answer["statusCode"] == 401
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert answer["isBase64Encoded"] is False
    assert json.loads(answer["body"])["type"] == "urn:emailsminder:problem:unauthenticated"


def test_an_email_is_accepted_below_a_stage(client: Client) -> None:
    body = {"from": "app@example.com", "to": "ann@example.com", "subject": "Grüße", "text": "It works."}
    headers = {"Authorization": f"Bearer {client.key}", "Content-Type": "application/json"}
    answer = call(rest_event("POST", "/v1/emails", stage="v1", body=json.dumps(body), **headers))
    assert answer["statusCode"] == 202
    email = json.loads(answer["body"])
    assert email["subject"] == "Grüße"
    assert answer["headers"]["location"] == f"/v1/v1/emails/{email['id']}"


@pytest.mark.parametrize("event", [rest_event, http_event])
def test_the_documentation_works_below_a_stage(event: Any) -> None:
    front = call(event("GET", "/"))
    assert (front["statusCode"], front["headers"]["location"]) == (307, "/dev/docs")
    page = call(event("GET", "/docs"))
    assert page["statusCode"] == 200
    for name in ("docs/swagger-ui.css", "docs/swagger-ui-bundle.js", "docs/start.js"):
        assert f'"{name}"' in page["body"]
        file = call(event("GET", f"/{name}"))
        assert (file["statusCode"], file["isBase64Encoded"]) == (200, False)
    document = json.loads(call(event("GET", "/openapi.json"))["body"])
    assert document["servers"] == [{"url": "/dev"}]


def test_the_request_id_is_lambdas_own() -> None:
    answer = call(rest_event("GET", "/docs"))
    assert answer["headers"]["x-request-id"] == Context.aws_request_id


def test_without_settings_the_first_request_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROVIDERS", "TOPIC_ARN", "CONTENT_BUCKET", "ADDRESS_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(main.app.state, "connect", partial(process.container, Process.API))
    answer = call(rest_event("GET", "/v1/emails"))
    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["type"] == "urn:emailsminder:problem:internal"
