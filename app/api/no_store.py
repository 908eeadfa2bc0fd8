"""Keeps answers out of caches: those of the calls differ by key and by the second, and hold addresses."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.paths import split

_PRIVATE: Final = ("/v1/", "/health/")  # the documentation is everybody's


class NoStore:
    """ASGI middleware that sets `Cache-Control: no-store` on the answer to every call, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        is_private = scope["type"] == "http" and f"{split(scope)[1]}/".startswith(_PRIVATE)
        await self.app(scope, receive, _marking(send) if is_private else send)


def _marking(send: Send) -> Send:
    async def send_marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Cache-Control"] = "no-store"
        await send(message)

    return send_marked
