"""Events of API Gateway, and the application behind Mangum."""

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from app import main

HOST = "abc123.execute-api.us-east-1.amazonaws.com"


class Context:
    """As much of Lambda's context as is looked at."""

    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


def proxy_event(
    method: str,
    path: str,
    headers: Mapping[str, str | list[str]] | None = None,
    *,
    stage: str = "dev",
    base: str | None = None,
    query: str = "",
    body: str | bytes | None = None,
) -> dict[str, Any]:
    """What a REST API with a proxy integration sends. A header that came several times has a list.

    With `base`, the request came by a custom domain under a base path mapping, such as `/mail` or `/mail/dev`: API
    Gateway then has it in both paths, and only `pathParameters` is without it.
    """
    sent = {"Host": HOST, "X-Forwarded-Proto": "https", **(headers or {})}
    many = {name: value if isinstance(value, list) else [value] for name, value in sent.items()}
    values = parse_qs(query, keep_blank_values=True)
    return {
        "resource": "/" if path == "/" else "/{proxy+}",
        "path": path if base is None else base + path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": {name: found[-1] for name, found in values.items()} or None,
        "multiValueQueryStringParameters": values or None,
        "pathParameters": None if path == "/" else {"proxy": path.strip("/")},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/" if path == "/" else "/{proxy+}",
            "path": f"/{stage}{path}" if base is None else base + path,
            "stage": stage,
            "httpMethod": method,
            "requestId": "id",
            "apiId": "abc123",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": isinstance(body, bytes),
    }


def http_event(
    method: str, path: str, headers: Mapping[str, str] | None = None, *, stage: str = "dev", query: str = ""
) -> dict[str, Any]:
    """What an HTTP API sends: version 2.0, the stage in the path."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": f"/{stage}{path}",
        "rawQueryString": query,
        "headers": {"host": HOST, "x-forwarded-proto": "https", **(headers or {})},
        "requestContext": {
            "stage": stage,
            "http": {"method": method, "path": f"/{stage}{path}", "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"},
        },
        "isBase64Encoded": False,
    }


def call(event: dict[str, Any]) -> dict[str, Any]:
    """The answer of the deployed application, whose container must be set."""
    loop = asyncio.new_event_loop()  # Lambda's process has one
    asyncio.set_event_loop(loop)
    try:
        return main.handler(event, Context())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def problem(answer: dict[str, Any]) -> dict[str, Any]:
    """The problem in an answer of `call`."""
    assert answer["headers"]["content-type"] == "application/problem+json"
    found: dict[str, Any] = json.loads(answer["body"])
    return found
