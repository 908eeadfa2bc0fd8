"""Ends an exception that was answered. A server that gets it closes the connection, of which no client was told."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Answered:
    """ASGI middleware that raises only exceptions whose answer was not sent whole. `RequestLog` has logged them all."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        is_answered = False

        async def send_noting(message: Message) -> None:
            nonlocal is_answered
            await send(message)
            is_answered = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            await self.app(scope, receive, send_noting)
        except Exception:
            if not is_answered:
                raise
