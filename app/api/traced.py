"""A span for each request to the API, by the template of its route: never a path, a query, an address or a body."""

from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.tracing import UNTRACED, Traces
from app.wiring.parts import Container

CALLS: Final = "/v1/"  # /health and the documentation have no spans: monitors and browsers would fill every trace list
WEBHOOKS: Final = "/v1/webhooks/"


class Traced:
    """ASGI middleware that continues the caller's trace (W3C `traceparent`), or begins one.

    A webhook begins one of its own, whatever its headers say: the provider's traces, and whether it records them, are
    not ours. What its events do to emails stands in the emails' traces.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        path = scope["path"].removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else ""
        traces = _traces(scope) if path.startswith(CALLS) else UNTRACED
        if traces is UNTRACED:
            await self.app(scope, receive, send)
            return
        method: str = scope["method"]
        status = 500  # the server's answer if the app raises an exception
        request_id: str | None = None

        async def send_noting(message: Message) -> None:
            nonlocal status, request_id
            if message["type"] == "http.response.start":
                status, request_id = message["status"], Headers(raw=message["headers"]).get("x-request-id")
            await send(message)

        caller = "" if path.startswith(WEBHOOKS) else _traceparent(scope)
        try:
            with traces.request(method, caller, {"http.request.method": method}) as span:
                try:
                    await self.app(scope, receive, send_noting)
                finally:
                    if route := getattr(scope.get("route"), "path", None):
                        span.rename(f"{method} {route}")
                    about = {"http.response.status_code": status, "emailsminder.request_id": request_id}
                    span.note({"http.route": route, **about})
                    if status >= 500:
                        span.fail(str(status))
        finally:
            if "aws.event" in scope:  # on Lambda the process stands still from the answer to the next request
                traces.flush()


def _traces(scope: Scope) -> Traces:
    connect: Callable[[], Container] = scope["app"].state.connect
    try:
        return connect().traces
    except Exception:  # noqa: BLE001 because the route meets it again, and answers it
        return UNTRACED


def _traceparent(scope: Scope) -> str:
    """The caller's; "" if there is none, or more than one, of which none can be believed."""
    found = Headers(scope=scope).getlist("traceparent")
    return found[0] if len(found) == 1 else ""
