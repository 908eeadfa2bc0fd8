"""The OpenAPI document: fresh, complete, and true."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter

from app.api.application import Application
from app.api.openapi import document
from app.api.v1 import examples, suppression_views, views
from app.api.views import Problem
from tests.api.conftest import Client

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def described(app: Application) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(document(app))
    return found


def operations(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_the_committed_document_is_fresh(app: Application) -> None:
    assert COMMITTED.read_text(encoding="utf-8") == document(app), "run `make openapi`"


def test_every_reference_leads_somewhere_and_every_schema_is_referred_to(described: dict[str, Any]) -> None:
    referred = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)))
    assert referred == set(described["components"]["schemas"])
    assert not referred & {"HTTPValidationError", "ValidationError"}


def test_it_is_served(client: Client, app: Application) -> None:
    answer = client.get("/openapi.json", key=None)
    assert answer.json() == json.loads(document(app))


@pytest.mark.parametrize(
    ("operation", "statuses"),
    [
        ("post /v1/emails", {200, 202, 400, 401, 403, 409, 413, 415, 422, 503}),
        ("get /v1/emails", {200, 401, 403, 422, 503}),
        ("get /v1/emails/{email_id}", {200, 401, 403, 404, 503}),
        ("post /v1/emails/{email_id}/cancel", {200, 401, 403, 404, 409, 503}),
        ("post /v1/emails/explain", {200, 400, 401, 403, 413, 415, 422, 503}),
        ("get /v1/providers", {200, 401, 403, 503}),
        ("post /v1/providers/{name}/pause", {200, 401, 403, 404, 503}),
        ("post /v1/providers/{name}/resume", {200, 401, 403, 404, 503}),
        ("get /v1/suppressions", {200, 401, 403, 422, 503}),
        ("post /v1/suppressions", {201, 400, 401, 403, 413, 415, 422, 503}),
        ("get /v1/suppressions/{suppression_id}", {200, 401, 403, 404, 503}),
        ("delete /v1/suppressions/{suppression_id}", {204, 401, 403, 404, 503}),
        ("post /v1/webhooks/{provider}", {200, 400, 401, 404, 406, 413, 415, 503}),
        ("get /health", {200, 503}),
    ],
)
def test_the_answers_of_each_call(described: dict[str, Any], operation: str, statuses: set[int]) -> None:
    responses = dict(operations(described))[operation]["responses"]
    assert set(map(int, responses)) == statuses
    for status, response in responses.items():
        if status == "204":
            assert "content" not in response
            continue
        [(media_type, content)] = response["content"].items()
        assert media_type == ("application/json" if int(status) < 400 else "application/problem+json")
        assert content["schema"]["$ref"]
        assert content["example"]


def test_that_table_is_whole(described: dict[str, Any]) -> None:
    assert len(dict(operations(described))) == 14


def test_every_problem_example_is_what_its_status_gives(described: dict[str, Any]) -> None:
    for _, operation in operations(described):
        for status, response in operation["responses"].items():
            problem = response.get("content", {}).get("application/problem+json")
            if problem:
                Problem.model_validate(problem["example"])
                assert problem["example"]["status"] == int(status)
                # Our own words: those of the interpreter's HTTPStatus are not the same in every version of Python.
                assert response["description"] == problem["example"]["title"]


@pytest.mark.parametrize(
    ("example", "view"),
    [
        (examples.QUEUED, views.Summary),
        (examples.ACCEPTED, views.Accepted),
        (examples.REPLAYED, views.Accepted),
        (examples.EXPLANATION, views.Explanation),
        (examples.PROVIDERS, views.Providers),
        (examples.PAUSED, views.ChangedProvider),
        (examples.RESUMED, views.ChangedProvider),
        (examples.SUPPRESSION, suppression_views.Suppression),
        (examples.SUPPRESSIONS, suppression_views.Suppressions),
        (examples.CANCELED, views.Summary),
        (examples.DELIVERED, views.Summary),
        (examples.PAGE, views.Page),
        (examples.STORY, views.Story),
    ],
)
def test_the_examples_are_whole(example: dict[str, Any], view: type) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(view)
    assert adapter.dump_python(adapter.validate_python(example), mode="json", by_alias=True) == example


def test_examples_keep_their_nulls(described: dict[str, Any]) -> None:
    answer = described["paths"]["/v1/emails/{email_id}"]["get"]["responses"]["200"]
    assert answer["content"]["application/json"]["example"] == examples.STORY


@pytest.mark.parametrize("example", [examples.SHORT, examples.FULL, examples.OTHER_FORMS])
def test_the_requests_shown_are_accepted(client: Client, example: dict[str, Any]) -> None:
    assert client.post("/v1/emails", json=example).status_code == 202


def test_the_suppression_shown_is_accepted(client: Client) -> None:
    assert client.post("/v1/suppressions", json=examples.TO_SUPPRESS).status_code == 201


def test_authorize_knows_which_calls_need_a_key(described: dict[str, Any]) -> None:
    assert described["components"]["securitySchemes"]["API key"]["scheme"] == "bearer"
    secured = {name for name, operation in operations(described) if operation.get("security")}
    assert {name for name, _ in operations(described)} - secured == {"get /health", "post /v1/webhooks/{provider}"}


def test_the_request_has_the_names_of_the_api(described: dict[str, Any]) -> None:
    email = described["components"]["schemas"]["EmailRequest"]
    assert email["required"] == ["from", "subject"]
    assert email["additionalProperties"] is False
    assert "sender" not in email["properties"]


def test_it_is_the_same_each_time(app: FastAPI, described: dict[str, Any]) -> None:
    assert json.loads(json.dumps(app.openapi())) == described
