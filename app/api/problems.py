"""Turns every error into an answer of the type application/problem+json (RFC 9457).

`type` is `urn:emailsminder:problem:` and a word that never changes; `detail` is for people and may change.
"""

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pynamodb.exceptions import PynamoDBException
from starlette.exceptions import HTTPException

from app.api.request_log import REQUEST_ID
from app.domain.outcome import shorten
from app.errors import Contention, Invalid, Problem, ServiceUnavailable, TooMany, Unauthenticated
from app.faults import code_of, log_fault

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:emailsminder:problem:"
RETRY_AFTER_S = 5  # what does not answer now is mostly back by then
_BROKEN = "something broke on our side and has been logged; X-Request-Id finds it in the log"
STORAGE = (BotoCoreError, ClientError, PynamoDBException)
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


class UnsupportedCoding(UnsupportedMediaType):
    """The body has a content coding that is not undone. The answer names the one that is (RFC 9110 §12.5.3)."""


class UnknownKey(Unauthenticated):
    """There is an API key, and it is not a valid one: another one is needed, and not another way to send it."""


class Slow(Problem):
    """The request did not arrive whole in time. The server answers so, not the application."""

    status, type, title = 408, "timeout", "Request too slow"


class MethodNotAllowed(Problem):
    """The path exists, but not with this method."""

    status, type, title = 405, "method-not-allowed", "Method not allowed"


# pydantic's error types (https://docs.pydantic.dev/latest/errors/validation_errors/, read 2026-11-24) → our messages.
_WORDS = {
    "missing": "is required",
    "string_type": "must be a string",
    "list_type": "must be a list",
    "string_sub_type": "must be a string",
    "string_unicode": "is not Unicode text",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number that is not so large",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "extra_forbidden": "is not known here; remove it",
    "value_error": "{error}",
}


def words(error: Any) -> str:
    """Our message for an error of pydantic, whose own speaks of Python to people who may not know it."""
    return _WORDS.get(error["type"], "is not what this field takes; /docs shows it").format(**error.get("ctx", {}))


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
        # RFC 9110 §15.5.2 wants it on every 401; RFC 6750 §3.1 has an error only if there was a key.
        challenge = 'Bearer error="invalid_token"' if isinstance(problem, UnknownKey) else "Bearer"
        headers = {"WWW-Authenticate": challenge, **(headers or {})}
    if isinstance(problem, ServiceUnavailable):
        headers = {"Retry-After": str(RETRY_AFTER_S), **(headers or {})}
    if isinstance(problem, TooMany):
        headers = {"Retry-After": str(problem.retry_after_s), **(headers or {})}
    if isinstance(problem, UnsupportedCoding):
        headers = {"Accept-Encoding": "gzip", **(headers or {})}
    return JSONResponse(content | members, problem.status, headers, MEDIA_TYPE)


async def on_problem(_: Request, problem: Problem) -> Response:
    """Answer an error of our own."""
    return render(problem)


async def on_contention(request: Request, error: Contention) -> Response:
    """Answer a write that lost to other writers too often. Nothing stored is damaged, so the caller may try again."""
    return render(as_problem(error, request))


async def on_storage(request: Request, error: Exception) -> Response:
    """Answer an error of DynamoDB or S3. Nothing stored is damaged, so the caller may try again."""
    return render(as_problem(error, request))


def as_problem(error: Exception, request: Request) -> Problem:
    """The problem that `error` is answered with. What only the log is told is logged."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Contention):
        return ServiceUnavailable("too many writers at once; try again")
    if not isinstance(error, STORAGE):
        about = {"error": type(error).__name__, "request_id": request.scope.get(REQUEST_ID)}
        log_fault(logger, "unexpected", error, **about)
        return Problem(_BROKEN)
    about = {"error": type(error).__name__, "code": code_of(error), "request_id": request.scope.get(REQUEST_ID)}
    log_fault(logger, "storage", error, **about)
    return ServiceUnavailable("the storage does not answer; try again")


async def on_validation(_: Request, problem: RequestValidationError) -> Response:
    """Answer an error that FastAPI found in query or headers. The first part of its location says in which of them."""
    return render(Invalid(*((path(error["loc"][1:]), words(error)) for error in problem.errors())))


async def on_http(_: Request, problem: HTTPException) -> Response:
    """Answer an error of the framework's own. The router's do not come here: `Paths` answers before it is asked."""
    if problem.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return render(Problem(_BROKEN))
    return render(Malformed("the request cannot be read; /docs shows what this call takes"))


async def on_unexpected(_: Request, __: Exception) -> Response:
    """Answer an exception that nothing else handles. `RequestLog` logs it; the answer has no details."""
    return render(Problem(_BROKEN))


def install(app: FastAPI) -> None:
    """Make `app` answer every error as a problem."""
    app.exception_handler(Problem)(on_problem)
    app.exception_handler(Contention)(on_contention)
    for kind in (PynamoDBException, BotoCoreError, ClientError):
        app.exception_handler(kind)(on_storage)
    app.exception_handler(RequestValidationError)(on_validation)
    app.exception_handler(HTTPException)(on_http)
    app.exception_handler(Exception)(on_unexpected)
