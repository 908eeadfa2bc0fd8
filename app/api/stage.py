"""The path prefix under which API Gateway serves the application: its stage, or a base path mapping."""

from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send


class StageRootPath:
    """ASGI middleware that sets `root_path` to API Gateway's prefix, which Mangum always leaves empty.

    An event of a REST API has the path as the client wrote it in `requestContext.path`: below the stage, or below the
    base path of a custom domain's mapping and, if the mapping names none, the stage. Its `path` is without the stage,
    but has the base path. Without both is only what the proxy resource matched, `pathParameters.proxy`; the root
    resource matches nothing. An event of an HTTP API of version 2.0 has one path, with `proxy` if its route has one;
    else the path begins with the stage if the stage has a name.

    ASGI expects the prefix in `path`, too: if it were missing there, a stage `v1` would be cut from `/v1/emails`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            scope = {**scope, **_prefixed(scope)}
        await self.app(scope, receive, send)


def _prefixed(scope: Scope) -> dict[str, str]:
    event = scope.get("aws.event") or {}
    context = event.get("requestContext") or {}
    full = (context["http"].get("path") if "http" in context else context.get("path")) or ""
    bare = _bare(event)
    if bare is not None:
        return _below(full, bare)
    if "http" in context:
        stage = "/" + (context.get("stage") or "")
        named = stage not in ("/", "/$default") and (scope["path"] + "/").startswith(stage + "/")
        return {"root_path": stage} if named else {}
    return _below(full, event.get("path") or "")


def _bare(event: dict[str, Any]) -> str | None:
    """The path without any prefix. None: the event does not say, because its API has another resource than ours."""
    proxy = (event.get("pathParameters") or {}).get("proxy")
    if proxy is not None:
        return f"/{proxy}"
    return "/" if event.get("resource") == "/" else None


def _below(full: str, bare: str) -> dict[str, str]:
    """`root_path` and `path` for `full`, which ends with `bare`.

    Either may be percent-encoded or not, and end with a slash or not: which is documented nowhere.
    """
    decoded = unquote(bare)
    for whole, end, below in ((full, bare, decoded), (unquote(full), bare, bare), (full, decoded, decoded)):
        if end and whole.rstrip("/").endswith(end.rstrip("/")):
            prefix = whole.rstrip("/").removesuffix(end.rstrip("/")).strip("/")
            slash = "/" if full.endswith("/") else ""
            return {"root_path": f"/{prefix}", "path": f"/{prefix}{below.rstrip('/')}{slash}"} if prefix else {}
    return {}
