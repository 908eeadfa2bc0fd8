"""One log line per request: ids, names and durations; never an address, a query or a body."""

import logging
import secrets
from time import perf_counter

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)


class RequestLog:
    """Logs each request when it is over, and gives each answer the `X-Request-Id` that the line has."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started_s, request_id = perf_counter(), _request_id(scope)
        status = 500  # what the server answers for an exception that passes by here

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            fields = {
                "method": scope["method"],
                "route": getattr(scope.get("route"), "path", "none"),  # the template: a path has ids, or worse
                "status": status,
                "ms": round((perf_counter() - started_s) * 1000, 1),
                "request_id": request_id,
            }
            logger.info("request", extra=fields)


def _request_id(scope: Scope) -> str:
    """Lambda's own id of this invocation where there is one, so that its lines are found together."""
    return getattr(scope.get("aws.context"), "aws_request_id", None) or secrets.token_hex(8)
