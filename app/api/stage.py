"""The path prefix under which API Gateway serves the application: its stage, or a base path mapping."""

from starlette.types import ASGIApp, Receive, Scope, Send


class StageRootPath:
    """ASGI middleware that sets `root_path` to API Gateway's prefix, which Mangum always leaves empty.

    An event of a REST API has two paths: one without the prefix, and one with it, as the client wrote it. An event of
    an HTTP API has one path, which begins with the stage if the stage has a name. ASGI expects the prefix in `path`,
    too: if it were missing there, a stage called `v1` would be cut from `/v1/emails`.
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
    if "http" in context:
        stage = "/" + (context.get("stage") or "")
        named = stage not in ("/", "/$default") and (scope["path"] + "/").startswith(stage + "/")
        return {"root_path": stage} if named else {}
    full, bare = context.get("path") or "", event.get("path") or ""
    if not bare or full == bare or not full.endswith(bare):
        return {}
    prefix = full.removesuffix(bare)
    return {"root_path": prefix, "path": prefix + scope["path"]}
