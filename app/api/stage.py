"""API Gateway's stage in front of our paths."""

from starlette.types import ASGIApp, Receive, Scope, Send


class StageRootPath:
    """Tells the app under which prefix API Gateway serves it, as ASGI's `root_path`; Mangum always leaves it empty.

    A REST API's event has the path twice: bare, and as the client wrote it, with the stage or the base path mapping.
    An HTTP API puts a named stage into its only path. ASGI wants `path` with the prefix in both cases: without it, a
    stage called `v1` would be cut from `/v1/emails`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its prefix."""
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
