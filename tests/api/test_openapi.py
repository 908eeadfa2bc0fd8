"""The OpenAPI document: fresh, complete, and true."""

import builtins
import dataclasses
import datetime
import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter

from app.api.application import Application
from app.api.openapi import document
from app.api.v1 import examples, provider_shapes, suppression_views, views
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


FILES = {
    "get /v1/emails/{email_id}/attachments/{number}": "application/octet-stream",
    "get /v1/emails/{email_id}/raw": "message/rfc822",
}


@pytest.mark.parametrize(
    ("operation", "statuses"),
    [
        ("post /v1/emails", {200, 202, 400, 401, 403, 409, 413, 415, 422, 429, 503}),
        ("get /v1/emails", {200, 401, 403, 422, 503}),
        ("get /v1/emails/{email_id}", {200, 401, 403, 404, 503}),
        ("get /v1/emails/{email_id}/content", {200, 401, 403, 404, 413, 503}),
        ("get /v1/emails/{email_id}/attachments/{number}", {200, 401, 403, 404, 413, 422, 503}),
        ("get /v1/emails/{email_id}/raw", {200, 401, 403, 404, 409, 413, 503}),
        ("post /v1/emails/{email_id}/cancel", {200, 401, 403, 404, 409, 503}),
        ("post /v1/emails/{email_id}/retry", {202, 400, 401, 403, 404, 409, 413, 415, 422, 503}),
        ("patch /v1/emails/{email_id}", {200, 400, 401, 403, 404, 409, 413, 415, 422, 503}),
        ("post /v1/emails/batch", {200, 400, 401, 403, 413, 415, 422, 429, 503}),
        ("post /v1/emails/explain", {200, 400, 401, 403, 413, 415, 422, 503}),
        ("get /v1/events", {200, 401, 403, 422, 503}),
        ("post /v1/webhook-endpoints", {201, 400, 401, 403, 409, 413, 415, 422, 503}),
        ("get /v1/webhook-endpoints", {200, 401, 403, 422, 503}),
        ("get /v1/webhook-endpoints/{endpoint_id}", {200, 401, 403, 404, 422, 503}),
        ("patch /v1/webhook-endpoints/{endpoint_id}", {200, 400, 401, 403, 404, 409, 413, 415, 422, 503}),
        ("delete /v1/webhook-endpoints/{endpoint_id}", {204, 401, 403, 404, 409, 422, 503}),
        ("post /v1/webhook-endpoints/{endpoint_id}/rotate-secret", {200, 401, 403, 404, 422, 503}),
        ("get /v1/webhook-endpoints/{endpoint_id}/deliveries", {200, 401, 403, 404, 422, 503}),
        ("post /v1/webhook-endpoints/{endpoint_id}/test", {202, 401, 403, 404, 409, 422, 503}),
        ("post /v1/webhook-endpoints/{endpoint_id}/replay", {200, 400, 401, 403, 404, 409, 413, 415, 422, 503}),
        ("get /v1/stats", {200, 401, 403, 422, 503}),
        ("get /v1/providers", {200, 401, 403, 503}),
        ("post /v1/providers/{name}/pause", {200, 401, 403, 404, 503}),
        ("post /v1/providers/{name}/resume", {200, 401, 403, 404, 503}),
        ("get /v1/suppressions", {200, 401, 403, 422, 503}),
        ("post /v1/suppressions", {201, 400, 401, 403, 413, 415, 422, 503}),
        ("get /v1/suppressions/{suppression_id}", {200, 401, 403, 404, 503}),
        ("delete /v1/suppressions/{suppression_id}", {204, 401, 403, 404, 503}),
        ("post /v1/keys", {201, 400, 401, 403, 413, 415, 422, 503}),
        ("get /v1/keys", {200, 401, 403, 422, 503}),
        ("get /v1/keys/{key_id}", {200, 401, 403, 404, 503}),
        ("post /v1/keys/{key_id}/rotate", {201, 401, 403, 404, 409, 422, 503}),
        ("delete /v1/keys/{key_id}", {204, 401, 403, 404, 409, 503}),
        ("post /v1/webhooks/{provider}", {200, 400, 401, 404, 406, 413, 415, 503}),
        ("get /health", {200, 503}),
    ],
)
def test_the_answers_of_each_call(described: dict[str, Any], operation: str, statuses: set[int]) -> None:
    responses = dict(operations(described))[operation]["responses"]
    assert set(map(int, responses)) == statuses
    assert list(responses) == sorted(responses, key=lambda status: "" if status < "3" else status), "2xx first"
    for status, response in responses.items():
        if status == "204":
            assert "content" not in response
            continue
        if operation in FILES and status == "200":
            assert set(response["content"]) == {FILES[operation], "application/octet-stream"}
            continue
        [(media_type, content)] = response["content"].items()
        assert media_type == ("application/json" if int(status) < 400 else "application/problem+json")
        assert content["schema"]["$ref"]
        assert content["example"]


def test_that_table_is_whole(described: dict[str, Any]) -> None:
    assert len(dict(operations(described))) == 36


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
        (examples.QUEUED, views.EmailSummary),
        (examples.ACCEPTED, views.AcceptedEmail),
        (examples.REPLAYED, views.AcceptedEmail),
        (examples.EXPLANATION, views.Explanation),
        (examples.PROVIDERS, provider_shapes.ProviderList),
        (examples.PAUSED, provider_shapes.ChangedProvider),
        (examples.RESUMED, provider_shapes.ChangedProvider),
        (examples.SUPPRESSION, suppression_views.Suppression),
        (examples.SUPPRESSIONS, suppression_views.SuppressionList),
        (examples.CANCELED, views.EmailSummary),
        (examples.DELIVERED, views.EmailSummary),
        (examples.PAGE, views.EmailList),
        (examples.STORY, views.EmailStory),
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


def test_the_refusal_shown_is_what_such_a_request_gets(client: Client, described: dict[str, Any]) -> None:
    answer = client.post("/v1/emails", json={"from": "app@example.com", "to": "ann", "text": "It works."})
    shown = described["paths"]["/v1/emails"]["post"]["responses"]["422"]["content"]["application/problem+json"]
    assert answer.json() == shown["example"]


def test_every_good_answer_says_what_it_is(described: dict[str, Any]) -> None:
    for name, operation in operations(described):
        said = [answer["description"] for answer in operation["responses"].values()]
        assert "Successful Response" not in said, name
        assert all(said), name


def test_the_suppression_shown_is_accepted(client: Client) -> None:
    assert client.post("/v1/suppressions", json=examples.TO_SUPPRESS).status_code == 201


def test_authorize_knows_which_calls_need_a_key(described: dict[str, Any]) -> None:
    assert described["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    security = {name: operation["security"] for name, operation in operations(described)}
    without = {name for name, schemes in security.items() if schemes == []}
    assert without == {"get /health", "post /v1/webhooks/{provider}"}
    assert all(schemes == [{"apiKey": []}] for name, schemes in security.items() if name not in without)


def requests_of(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The schemas that only requests have."""
    schemas = described["components"]["schemas"]
    return {name: schema for name, schema in schemas.items() if name.endswith("Request")}


def test_a_request_has_no_null_and_no_default_which_generators_take_for_a_must(described: dict[str, Any]) -> None:
    assert len(requests_of(described)) == 14
    plain = [*requests_of(described).values(), described["components"]["schemas"]["EmailHeaders"]]
    plain += [it["schema"] for _, operation in operations(described) for it in operation.get("parameters", ())]
    text = json.dumps(plain)
    assert '"null"' not in text
    assert '"const": ""' not in text
    assert not [it for schema in plain for it in schema.get("properties", {}).values() if "default" in it]


def test_an_answer_has_null_for_what_is_not_known_only(described: dict[str, Any]) -> None:
    for name, schema in described["components"]["schemas"].items():
        for field, form in schema.get("properties", {}).items():
            assert "default" not in form, name
            if field not in schema.get("required", ()):
                assert {"type": "null"} not in form.get("anyOf", ()), f"{name}.{field}"


def test_everything_that_is_sent_is_described(described: dict[str, Any]) -> None:
    for name, operation in operations(described):
        assert operation["description"], name
        assert [it["name"] for it in operation.get("parameters", ()) if not it.get("description")] == [], name
    for name, schema in requests_of(described).items():
        assert [field for field, form in schema["properties"].items() if not form.get("description")] == [], name


def test_calls_and_schemas_have_names_for_a_client(described: dict[str, Any]) -> None:
    calls = [operation["operationId"] for _, operation in operations(described)]
    assert {"sendEmail", "listEmails", "getEmail", "cancelEmail"} <= set(calls)
    assert [name for name in calls if not re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name)] == []
    schemas = set(described["components"]["schemas"])
    assert {"EmailEvent", "RecipientStatus"} <= schemas
    assert not schemas & {*dir(builtins), *dir(typing), *dir(dataclasses), *dir(datetime)}


def test_a_description_ends_with_what_a_field_left_out_means(described: dict[str, Any]) -> None:
    fields = described["components"]["schemas"]["EmailRequest"]["properties"]
    assert fields["critical"]["description"].endswith("; default: `false`")
    assert fields["on_uncertain"]["description"].endswith("; default: `wait`")
    assert "default" not in fields["text"]["description"]


def test_the_request_has_the_names_of_the_api(described: dict[str, Any]) -> None:
    email = described["components"]["schemas"]["EmailRequest"]
    assert email["required"] == ["from", "subject"]
    assert email["additionalProperties"] is False
    assert "sender" not in email["properties"]


def test_it_is_the_same_each_time(app: FastAPI, described: dict[str, Any]) -> None:
    assert json.loads(json.dumps(app.openapi())) == described
