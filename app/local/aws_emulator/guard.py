"""Stands before the emulator: what may come from another site's page is refused before anything of it is read."""

import json
from collections.abc import Iterable
from typing import Any

from .foreign import refusal


def guarded(app: Any, names: Iterable[str]) -> Any:
    """The ASGI application `app`, which another site's page cannot use. `names` are further names of this machine."""
    own = frozenset(names)

    async def guard(scope: Any, receive: Any, send: Any) -> None:
        reason = None
        if scope["type"] in ("http", "websocket"):
            reason = refusal(scope.get("method", ""), scope["headers"], own)
        if reason is None:
            await app(scope, receive, send)
        elif scope["type"] == "http":
            await _refuse(send, reason)
        else:
            await send({"type": "websocket.close", "code": 1008})

    return guard


async def _refuse(send: Any, reason: str) -> None:
    body = json.dumps({"error": f"refused: {reason}"}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
