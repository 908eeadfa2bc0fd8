"""One log line per request, with ids, names and durations; never an address, a query or a body."""

import logging
import secrets
from time import perf_counter
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import logs
from app.faults import log_fault

logger = logging.getLogger(__name__)

REQUEST_ID: Final = "emailsminder.request_id"  # the key of the id in the scope, for other lines of the log


class RequestLog:
    """ASGI middleware that logs each request when it is over, and sets the same request id as `X-Request-Id`.

    An exception that nothing else handles is logged here, because the server would log it without the id.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # The method is noted now, because `Paths` changes it.
        started_s, method, request_id = perf_counter(), scope["method"], _new_id(scope)
        scope[REQUEST_ID] = request_id
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
        except Exception as error:
            log_fault(logger, "unexpected", error, error=type(error).__name__, request_id=request_id)
            raise
        finally:
            fields = {
                "method": method,
                # The template of the route is logged, because a path may hold an address.
                "route": getattr(scope.get("route"), "path", "none"),
                "status": status,
                "ms": round((perf_counter() - started_s) * 1000, 1),
                "request_id": request_id,
            }
            logger.info("request", extra=fields)


def _new_id(scope: Scope) -> str:
    """The id of this Lambda invocation, so that all of its log lines share one id; elsewhere a random id."""
    return getattr(scope.get("aws.context"), "aws_request_id", None) or secrets.token_hex(8)
