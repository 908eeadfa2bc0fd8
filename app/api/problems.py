"""Turns every error into an answer of the type application/problem+json (RFC 9457).

`type` is `urn:emailsminder:problem:` and a word that never changes; `detail` is for people and may change.
"""

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pynamodb.exceptions import PynamoDBException
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from app.domain.outcome import shorten
from app.errors import Contention, Invalid, NotFound, Problem, ServiceUnavailable, Unauthenticated
from app.store.failures import code_of

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:emailsminder:problem:"
RETRY_AFTER_S = 5  # what does not answer now is mostly back by then
SHOWN_ERRORS = 50  # an answer lists no more wrong fields than this


class Malformed(Problem):
    """The body is not JSON."""

    status, type, title = 400, "malformed", "Malformed request"


class TooLarge(Problem):
    """The body is larger than the limit."""

    status, type, title = 413, "too-large", "Request too large"


class UnsupportedMediaType(Problem):
    """The body is of another content type than this call takes."""

    status, type, title = 415, "unsupported-media-type", "Unsupported media type"


class MethodNotAllowed(Problem):
    """The path exists, but not with this method."""

    status, type, title = 405, "method-not-allowed", "Method not allowed"


# pydantic's error types (https://docs.pydantic.dev/latest/errors/validation_errors/, read 2026-11-24) → our messages.
_WORDS = {
    "missing": "is required",
    "string_type": "must be a string",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "int_parsing": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "value_error": "{error}",
}


def words(error: Any) -> str:
    """Our message for an error of pydantic, or pydantic's own if we have none for its type."""
    template = _WORDS.get(error["type"])
    return template.format(**error.get("ctx", {})) if template else str(error["msg"])


def path(location: Iterable[str | int]) -> str:
    """The name of a field at pydantic's `location`.

    `("attachments", 0, "content")` becomes `attachments[0].content`. The whole body is called `body`.
    """
    field = ""
    for part in location:
        if isinstance(part, int):
            field += f"[{part}]"
        elif part != "[key]":  # pydantic adds this part if a key is wrong; the key is the part before it
            field += f".{part[:80]}" if field else part[:80]
    return field or "body"


def render(problem: Problem, headers: dict[str, str] | None = None, **members: object) -> JSONResponse:
    """The answer for `problem`, with further `members` beside the standard ones."""
    content: dict[str, object] = {
        "type": TYPE_PREFIX + problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": shorten(problem.detail),
    }
    if isinstance(problem, Invalid):
        content["errors"] = [{"field": field, "message": text} for field, text in problem.errors[:SHOWN_ERRORS]]
    if isinstance(problem, Unauthenticated):
        headers = {"WWW-Authenticate": "Bearer", **(headers or {})}  # RFC 9110 §15.5.2 wants it on every 401
    if isinstance(problem, ServiceUnavailable):
        headers = {"Retry-After": str(RETRY_AFTER_S), **(headers or {})}
    return JSONResponse(content | members, problem.status, headers, MEDIA_TYPE)


async def on_problem(_: Request, problem: Problem) -> Response:
    """Answer an error of our own."""
    return render(problem)


async def on_contention(_: Request, __: Contention) -> Response:
    """Answer a write that lost to other writers too often. Nothing stored is damaged, so the caller may try again."""
    return render(ServiceUnavailable("too many writers at once; try again"))


async def on_storage(_: Request, problem: Exception) -> Response:
    """Answer an error of DynamoDB or S3. Nothing stored is damaged, so the caller may try again."""
    code = None
    if isinstance(problem, ClientError):
        code = problem.response["Error"]["Code"]
    elif isinstance(problem, PynamoDBException):
        code = code_of(problem)
    logger.error("storage", extra={"error": type(problem).__name__, "code": code})
    return render(ServiceUnavailable("the storage does not answer; try again"))


async def on_validation(_: Request, problem: RequestValidationError) -> Response:
    """Answer an error that FastAPI found in query or headers. The first part of its location says in which of them."""
    return render(Invalid(*((path(error["loc"][1:]), words(error)) for error in problem.errors())))


async def on_http(routes: Sequence[BaseRoute], request: Request, problem: HTTPException) -> Response:
    """Answer an error of the router: there is no such path, or it does not take this method."""
    kind = _ROUTER.get(
        problem.status_code, Malformed if problem.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else Problem
    )
    headers = dict(problem.headers or {})
    if methods := kind is MethodNotAllowed and _methods(routes, request):
        headers["Allow"] = ", ".join(sorted(methods))  # Starlette names only the methods of the first route
    return render(kind(problem.detail), headers)


async def on_unexpected(_: Request, problem: Exception) -> Response:
    """Answer an exception that nothing else handles. The server logs the traceback; the answer has no details."""
    logger.error("unexpected", extra={"error": type(problem).__name__})
    return render(Problem("something broke on our side; it has been logged"))


def _methods(routes: Sequence[BaseRoute], request: Request) -> set[str]:
    """Every method that the path of `request` takes. One path may have several routes, one for each method."""
    ours = [route for route in routes if isinstance(route, Route)]
    path = next((route.path for route in ours if route.matches(request.scope)[0] is not Match.NONE), None)
    return {method for route in ours if route.path == path for method in route.methods or ()}


_ROUTER: dict[int, type[Problem]] = {404: NotFound, 405: MethodNotAllowed}


def install(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Make `app` answer every error as a problem. The answer to a wrong method lists the methods that `routes` have."""
    app.exception_handler(Problem)(on_problem)
    app.exception_handler(Contention)(on_contention)
    for kind in (PynamoDBException, BotoCoreError, ClientError):
        app.exception_handler(kind)(on_storage)
    app.exception_handler(RequestValidationError)(on_validation)
    app.exception_handler(HTTPException)(partial(on_http, routes))
    app.exception_handler(Exception)(on_unexpected)
