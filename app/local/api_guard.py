"""Stands before the API in local mode: its key is known to everybody, so only this machine may use it.

A tunnel that brings webhooks here must not publish the API, and no page of another site may use it from a browser.
"""

import os
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import render
from app.errors import Forbidden
from app.local.aws_emulator.foreign import is_forwarded, names_of, refusal

# What the outside may call: providers report through a tunnel, and whoever has set it up wants to see that it works.
_OPEN: Final = ("/v1/webhooks/", "/health")
THROUGH_A_TUNNEL: Final = "through a tunnel or proxy it takes webhooks only; LOCAL_HOSTS names hosts to be trusted"
_PAGES: Final = ("/docs", "/docs/")  # a link may lead there


class ApiGuard:
    """ASGI middleware that answers 403 to what is not this machine's own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        reason = _refusal(scope) if scope["type"] == "http" else None
        if reason is None:
            await self.app(scope, receive, send)
        else:
            await render(Forbidden(f"local mode: {reason}"))(scope, receive, send)


def _refusal(scope: Scope) -> str | None:
    names, headers, path = names_of(os.environ.get("LOCAL_HOSTS", "")), scope["headers"], scope["path"]
    if is_forwarded(headers, names):
        return None if path.startswith(_OPEN) else THROUGH_A_TUNNEL
    return refusal(scope["method"], headers, names, is_page=path in _PAGES)
