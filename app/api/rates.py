"""The rate limit of an API key, and the headers that tell of it.

draft-ietf-httpapi-ratelimit-headers-11 (2026-05-23): `RateLimit-Policy` says what is allowed, `RateLimit` what is left.
Both are lists of RFC 9651; our one policy is called `emails`, because it counts emails and not requests.
"""

from typing import Annotated, Any, Final

from fastapi import Depends, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import threads
from app.api.auth import Parts, Sender
from app.store.api_keys import ApiKey
from app.wiring.parts import Container

_QUOTA: Final = "emailsminder.quota"  # the key in the scope
HEADERS: Final[dict[str, Any]] = {
    "RateLimit-Policy": {
        "description": "Only of a key with a limit: `q` emails in `w` seconds",
        "schema": {"type": "string"},
        "example": '"emails";q=10;w=1',
    },
    "RateLimit": {
        "description": "Only of a key with a limit: `r` emails are left, and all are there again in `t` seconds",
        "schema": {"type": "string"},
        "example": '"emails";r=9;t=1',
    },
}


def take(request: Request, parts: Container, key: ApiKey, count: int) -> None:
    """Take `count` emails of the key's rate limit, if it has one. Raises RateLimited if it must wait."""
    if key.rate_limit is None:
        return
    request.scope[_QUOTA], refused = parts.rate_limit(key.id, key.rate_limit, count)
    if refused is not None:
        raise refused


async def _sender_of_one(request: Request, key: Sender, parts: Parts) -> ApiKey:
    if key.rate_limit is not None:
        await threads.run(take, request, parts, key, 1)
    return key


SenderOfOne = Annotated[ApiKey, Depends(_sender_of_one)]


class RateHeaders:
    """ASGI middleware that tells of the rate limit in the answer to each call that it was asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def send_with_quota(message: Message) -> None:
            quota = scope.get(_QUOTA)
            if quota is not None and message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Policy"] = f'"emails";q={quota.per_s};w=1'
                headers["RateLimit"] = f'"emails";r={quota.left};t={quota.resets_in_s}'
            await send(message)

        await self.app(scope, receive, send_with_quota)
