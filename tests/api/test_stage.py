"""API Gateway's stage in front of our paths."""

import asyncio
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from app.api.stage import StageRootPath


def seen(path: str, event: dict[str, Any] | None, kind: str = "http") -> tuple[str, str]:
    """The path and root path that the app gets, of a request that Mangum made out of `event`."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    async def nothing(*_: object) -> Any:
        raise AssertionError

    scope = {"type": kind, "path": path, "root_path": ""} | ({"aws.event": event} if event is not None else {})
    asyncio.run(StageRootPath(app)(scope, nothing, nothing))
    return scopes[0]["path"], scopes[0]["root_path"]


def rest(full: str | None, bare: str) -> dict[str, Any]:
    """Of an API with other resources than the deployment's: no `proxy`."""
    return {"path": bare, "requestContext": {"path": full, "stage": "dev"}}


def mapped(full: str, path: str, proxy: str | None) -> dict[str, Any]:
    """Of the deployment's API, as it comes in by a custom domain: the base path is in both paths."""
    resource = "/" if proxy is None else "/{proxy+}"
    parameters = None if proxy is None else {"proxy": proxy}
    return {
        "resource": resource,
        "path": path,
        "pathParameters": parameters,
        "requestContext": {"path": full, "stage": "dev"},
    }


def http(stage: str, path: str, proxy: str | None = None) -> dict[str, Any]:
    event = {"version": "2.0", "rawPath": path, "requestContext": {"stage": stage, "http": {"path": path}}}
    return event if proxy is None else event | {"pathParameters": {"proxy": proxy}}


@pytest.mark.parametrize(
    ("path", "event", "expected"),
    [
        ("/docs", rest("/dev/docs", "/docs"), ("/dev/docs", "/dev")),
        ("/", rest("/dev/", "/"), ("/dev/", "/dev")),
        ("/v1/emails", rest("/mail/api/v1/emails", "/v1/emails"), ("/mail/api/v1/emails", "/mail/api")),
        ("/v1/emails", rest("/v1/v1/emails", "/v1/emails"), ("/v1/v1/emails", "/v1")),
        ("/v1/a b", rest("/dev/v1/a%20b", "/v1/a%20b"), ("/dev/v1/a b", "/dev")),
        ("/docs", rest("/docs", "/docs"), ("/docs", "")),
        ("/docs", rest(None, "/docs"), ("/docs", "")),
        ("/dev/docs", http("dev", "/dev/docs"), ("/dev/docs", "/dev")),
        ("/dev", http("dev", "/dev"), ("/dev", "/dev")),
        ("/docs", http("$default", "/docs"), ("/docs", "")),
        ("/developers", http("dev", "/developers"), ("/developers", "")),
        ("/docs", http("dev", "/docs"), ("/docs", "")),
        ("/dev/docs", http("dev", "/dev/docs", "docs"), ("/dev/docs", "/dev")),
        ("/mail/docs", http("$default", "/mail/docs", "docs"), ("/mail/docs", "/mail")),
        ("/mail/docs", mapped("/mail/docs", "/mail/docs", "docs"), ("/mail/docs", "/mail")),
        ("/mail/docs", mapped("/mail/dev/docs", "/mail/docs", "docs"), ("/mail/dev/docs", "/mail/dev")),
        ("/mail/dev/docs", mapped("/mail/dev/docs", "/mail/dev/docs", "docs"), ("/mail/dev/docs", "/mail/dev")),
        ("/a/b/v1/emails", mapped("/a/b/v1/emails", "/a/b/v1/emails", "v1/emails"), ("/a/b/v1/emails", "/a/b")),
        ("/v1/v1/emails", mapped("/v1/v1/emails", "/v1/v1/emails", "v1/emails"), ("/v1/v1/emails", "/v1")),
        ("/docs", mapped("/dev/docs", "/docs", "docs"), ("/dev/docs", "/dev")),
        ("/docs", mapped("/docs", "/docs", "docs"), ("/docs", "")),
        ("/mail", mapped("/mail", "/mail", None), ("/mail", "/mail")),
        ("/mail/", mapped("/mail/", "/mail/", None), ("/mail/", "/mail")),
        ("/", mapped("/dev/", "/", None), ("/dev/", "/dev")),
        ("/mail/docs/", mapped("/mail/docs/", "/mail/docs/", "docs"), ("/mail/docs/", "/mail")),
        ("/mail/docs/", mapped("/mail/docs/", "/mail/docs/", "docs/"), ("/mail/docs/", "/mail")),
        ("/mail/v1/a b", mapped("/mail/v1/a%20b", "/mail/v1/a%20b", "v1/a%20b"), ("/mail/v1/a b", "/mail")),
        ("/mail/v1/a b", mapped("/mail/v1/a%20b", "/mail/v1/a%20b", "v1/a b"), ("/mail/v1/a b", "/mail")),
        ("/mail/v1/a b", mapped("/mail/v1/a b", "/mail/v1/a b", "v1/a%20b"), ("/mail/v1/a b", "/mail")),
        ("/v1/a%20b", mapped("/mail/v1/a%2520b", "/mail/v1/a%2520b", "v1/a%20b"), ("/mail/v1/a%20b", "/mail")),
        ("//evil.example", mapped("//evil.example", "//evil.example", None), ("/evil.example", "/evil.example")),
        ("/docs", None, ("/docs", "")),
        ("/docs", {}, ("/docs", "")),
    ],
)
def test_the_prefix_is_found(path: str, event: dict[str, Any] | None, expected: tuple[str, str]) -> None:
    assert seen(path, event) == expected


def test_what_is_no_request_passes_unchanged() -> None:
    assert seen("/docs", rest("/dev/docs", "/docs"), kind="websocket") == ("/docs", "")
