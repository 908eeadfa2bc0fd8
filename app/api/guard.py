"""Refuses requests before anything of them is read, where a server has a reason to: local mode has."""

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import render
from app.errors import Forbidden

Refuse = Callable[[Scope], str | None]


class Guard:
    """ASGI middleware that answers 403 to a request for which `app.state.refuse` returns a reason."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        refuse: Refuse | None = scope["app"].state.refuse if scope["type"] == "http" else None
        reason = refuse(scope) if refuse else None
        if reason is None:
            await self.app(scope, receive, send)
        else:
            await render(Forbidden(reason))(scope, receive, send)
