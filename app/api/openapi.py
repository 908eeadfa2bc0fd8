"""The OpenAPI document, with what FastAPI cannot know: our errors, and the bodies that routes read by themselves."""

import json
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.api import views
from app.api.body import TOO_LARGE
from app.api.problems import MEDIA_TYPE, TYPE_PREFIX, Malformed, TooLarge, UnsupportedMediaType
from app.errors import Forbidden, Invalid, Problem, ServiceUnavailable, Unauthenticated

_REF = "#/components/schemas/{model}"
Responses = dict[int | str, dict[str, Any]]


LOCATION = {"Location": {"description": "Its path, without a host", "schema": {"type": "string"}}}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait before the next try", "schema": {"type": "integer"}}}


def answer(example: object, status: int = 200, **more: Any) -> Responses:
    """The declaration of an answer in JSON, for `responses` of a route."""
    # The example is kept as text until `describe` parses it again, because FastAPI drops every null from an example.
    return {status: {"content": {"application/json": {"example": json.dumps(example)}}, **more}}


def errors(*problems: Problem) -> Responses:
    """The declaration of the errors of a route, one per status. The details of `problems` become the examples."""
    return {problem.status: _described(problem) for problem in problems}


def refusals(scope: str) -> Responses:
    """The declaration of the errors that every route has which needs an API key with `scope`."""
    return errors(
        Unauthenticated("this API key is unknown or was revoked"),
        Forbidden(f"this API key lacks the scope `{scope}`"),
        ServiceUnavailable("too many writers at once; try again"),
    )


def body_errors(invalid: Invalid) -> Responses:
    """The declaration of the errors that every route has which reads JSON. `invalid` is the example of a 422."""
    return errors(
        Malformed("the body is not JSON: see line 1, column 1"),
        TooLarge(TOO_LARGE),
        UnsupportedMediaType("send `Content-Type: application/json`"),
        invalid,
    )


def nothing(status: int, description: str) -> Responses:
    """The declaration of an answer without a body."""
    return {status: {"description": description}}


def json_request(model: type[BaseModel], **examples: dict[str, Any]) -> dict[str, Any]:
    """The declaration of a JSON body that a route reads by itself, for `openapi_extra`."""
    content = {
        "schema": {"$ref": _REF.format(model=model.__name__)},
        "examples": {name: {"value": value} for name, value in examples.items()},
    }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def describe(app: FastAPI, requests: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """The OpenAPI document of `app`. `requests` are the models of the bodies that its routes read by themselves."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
    )
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path in document["paths"].values():
        for operation in path.values():
            _complete(operation["responses"])
    models: list[type[BaseModel]] = [*requests, views.Problem]
    _, ours = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    schemas.update(ours["$defs"])
    # Pydantic also describes Mailbox, which no request or answer holds as an object. Schemas without a reference go.
    text = json.dumps(document)
    document["components"]["schemas"] = {
        name: schema for name, schema in sorted(schemas.items()) if f'"{_REF.format(model=name)}"' in text
    }
    return document


def document(app: FastAPI) -> str:
    """The OpenAPI document of `app` as text, as docs/openapi.json holds it. The same app gives the same text."""
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


def _described(problem: Problem) -> dict[str, Any]:
    example: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if isinstance(problem, Invalid):
        example["errors"] = [{"field": field, "message": message} for field, message in problem.errors]
    schema = {"$ref": _REF.format(model=views.Problem.__name__)}
    return {
        "description": problem.title,
        **({"headers": _RETRY_AFTER} if isinstance(problem, ServiceUnavailable) else {}),
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }


def _complete(responses: dict[str, Any]) -> None:
    """Drop the 422 that FastAPI adds to every route with a parameter, and parse the examples that `answer` wrote."""
    if "HTTPValidationError" in json.dumps(responses.get("422", {})):
        del responses["422"]
    for response in responses.values():
        content = response.get("content", {}).get("application/json", {})
        if "example" in content:
            content["example"] = json.loads(content["example"])
