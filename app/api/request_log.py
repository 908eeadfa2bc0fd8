"""One log line per request, with ids, names and durations; never an address, a query or a body."""

import logging
import secrets
from time import perf_counter

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import logs

logger = logging.getLogger(__name__)


class RequestLog:
    """ASGI middleware that logs each request when it is over, and sets the same request id as `X-Request-Id`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started_s, request_id = perf_counter(), _request_id(scope)
        status = 500  # the server's answer if the app raises an exception

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            with logs.bound(request_id=request_id):
                await self.app(scope, receive, send_with_id)
        finally:
            fields = {
                "method": scope["method"],
                # The template of the route is logged, because a path may hold an address.
                "route": getattr(scope.get("route"), "path", "none"),
                "status": status,
                "ms": round((perf_counter() - started_s) * 1000, 1),
                "request_id": request_id,
            }
            logger.info("request", extra=fields)


def _request_id(scope: Scope) -> str:
    """The id of this Lambda invocation, so that all of its log lines share one id; elsewhere a random id."""
    return getattr(scope.get("aws.context"), "aws_request_id", None) or secrets.token_hex(8)
