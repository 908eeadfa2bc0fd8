"""The application as Lambda runs it: events of API Gateway in, answers of API Gateway out."""

import json
from functools import partial
from typing import Any

import pytest

from app import main
from app.settings import Process
from app.wiring import process
from tests.api.conftest import Client
from tests.support.gateway import Context, call, http_event, proxy_event

pytestmark = pytest.mark.usefixtures("deployed")


def test_a_problem_stays_text() -> None:
    answer = call(proxy_event("GET", "/v1/emails/eml_none"))
    assert answer["statusCode"] == 401
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert answer["isBase64Encoded"] is False
    assert json.loads(answer["body"])["type"] == "urn:emailsminder:problem:unauthenticated"


def test_an_email_is_accepted_below_a_stage(client: Client) -> None:
    body = {"from": "app@example.com", "to": "ann@example.com", "subject": "Grüße", "text": "It works."}
    headers = {"Authorization": f"Bearer {client.key}", "Content-Type": "application/json"}
    answer = call(proxy_event("POST", "/v1/emails", headers, stage="v1", body=json.dumps(body)))
    assert answer["statusCode"] == 202
    email = json.loads(answer["body"])
    assert email["subject"] == "Grüße"
    assert answer["headers"]["location"] == f"/v1/v1/emails/{email['id']}"


@pytest.mark.parametrize("event", [proxy_event, http_event])
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
    answer = call(proxy_event("GET", "/docs"))
    assert answer["headers"]["x-request-id"] == Context.aws_request_id


def test_without_settings_the_first_request_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROVIDERS", "TOPIC_ARN", "CONTENT_BUCKET", "ADDRESS_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(main.app.state, "connect", partial(process.container, Process.API))
    answer = call(proxy_event("GET", "/v1/emails"))
    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["type"] == "urn:emailsminder:problem:internal"
