"""The OpenAPI document, with what FastAPI cannot know: our errors, and the bodies that routes read by themselves."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.api import narrowing, views
from app.api.body import TOO_LARGE
from app.api.problems import MEDIA_TYPE, TYPE_PREFIX, Malformed, TooLarge, UnsupportedMediaType
from app.errors import Forbidden, Invalid, Problem, ServiceUnavailable, TooMany, Unauthenticated

_REF = "#/components/schemas/{model}"
_OF_FASTAPI = ("HTTPValidationError", "ValidationError")  # its form of a 422, which no answer of ours has
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


def json_request(model: type[BaseModel], examples: Mapping[str, tuple[str, Any]], most: int = 0) -> dict[str, Any]:
    """The declaration of a JSON body that a route reads by itself, for `openapi_extra`. With `most`, it is a list.

    `examples` are by name, each with what it shows; pages show the first.
    """
    one = {"$ref": _REF.format(model=model.__name__)}
    content = {
        "schema": {"type": "array", "items": one, "minItems": 1, "maxItems": most} if most else one,
        "examples": {name: {"summary": summary, "value": value} for name, (summary, value) in examples.items()},
    }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def optional_json_request(model: type[BaseModel], examples: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    """As `json_request`, of a body that may be left out."""
    declared = json_request(model, examples)
    return {"requestBody": declared["requestBody"] | {"required": False}}


def describe(
    app: FastAPI, requests: Iterable[type[BaseModel]], names: Mapping[str, str], *, exact: bool = False
) -> dict[str, Any]:
    """The OpenAPI document of `app`. `requests` are the models of the bodies that its routes read by themselves.

    `names` are schema names for classes that are called otherwise. With `exact`, the document has all that the routes
    take in requests, and not only what clients are told to send.
    """
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        servers=app.servers,
        license_info=app.license_info,
    )
    narrow_request, narrow_answer = (_same, _same) if exact else (narrowing.narrow_request, narrowing.narrow_answer)
    for path in document["paths"].values():
        for operation in path.values():
            _complete(operation)
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = narrow_request(parameter["schema"])
    schemas = {
        name: narrow_answer(schema)
        for name, schema in document["components"]["schemas"].items()
        if name not in _OF_FASTAPI
    }
    _, ours = models_json_schema([(model, "validation") for model in requests], ref_template=_REF)
    _, problem = models_json_schema([(views.Problem, "serialization")], ref_template=_REF)
    schemas |= {name: narrow_request(schema) for name, schema in ours["$defs"].items()}
    schemas |= {name: narrow_answer(schema) for name, schema in problem["$defs"].items()}
    for path in document["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                _describe_answer(response, schemas)
    # Pydantic also describes Mailbox, which no request or answer holds as an object. Schemas without a reference go.
    text = json.dumps(document | {"components": {"schemas": schemas}})
    document["components"]["schemas"] = {
        name: schema for name, schema in schemas.items() if f'"{_REF.format(model=name)}"' in text
    }
    return _renamed(document, names)


def document(app: FastAPI) -> str:
    """The OpenAPI document of `app` as text, as docs/openapi.json holds it. The same app gives the same text."""
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


def _renamed(document: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The document with its schemas called by `names`, in the order of the alphabet."""
    text = json.dumps(document)
    for old, new in names.items():
        text = text.replace(f'"{_REF.format(model=old)}"', f'"{_REF.format(model=new)}"')
    renamed: dict[str, Any] = json.loads(text)
    schemas = {names.get(name, name): schema for name, schema in renamed["components"]["schemas"].items()}
    renamed["components"]["schemas"] = dict(sorted(schemas.items()))
    return renamed


def _same(schema: Any) -> Any:
    return schema


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
        **({"headers": _RETRY_AFTER} if isinstance(problem, ServiceUnavailable | TooMany) else {}),
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }


def _complete(operation: dict[str, Any]) -> None:
    """Complete what FastAPI wrote of an operation.

    The 422 goes that FastAPI adds to every route with a parameter, and the examples that `answer` wrote are parsed. A
    good answer comes first. A parameter has its example where pages that fill a form look for it. An operation without
    a key says so: where nothing is said, some tools take it as forgotten.
    """
    responses: dict[str, Any] = operation["responses"]
    if "HTTPValidationError" in json.dumps(responses.get("422", {})):
        del responses["422"]
    for response in responses.values():
        content = response.get("content", {}).get("application/json", {})
        if "example" in content:
            content["example"] = json.loads(content["example"])
    operation["responses"] = dict(sorted(responses.items(), key=_goodness))
    for parameter in operation.get("parameters", ()):
        if examples := parameter["schema"].get("examples"):
            parameter["example"] = examples[0]
    operation.setdefault("security", [])


def _describe_answer(response: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """Say what an answer is by the first sentence about its schema, where the route says nothing of its own."""
    if response["description"] == "Successful Response":
        name = response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        response["description"] = schemas[name]["description"].partition(".")[0]


def _goodness(response: tuple[str, Any]) -> str:
    """Where an answer stands: good ones first, as they were declared, then errors by their status."""
    status = response[0]
    return "" if status.startswith("2") else status
