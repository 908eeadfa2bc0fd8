"""Decides where a blocking function runs: in a thread of its own, or directly in that of the event loop.

Routes are plain `def` functions over synchronous clients. Under uvicorn each call needs a thread, or it would block
all other requests. On Lambda only one request runs at a time, so a thread would only cost CPU time.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

P = ParamSpec("P")
T = TypeVar("T")

# Whether the request of this task is the only one in this process.
_is_only_request: ContextVar[bool] = ContextVar("is_only_request", default=False)


async def run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function` in a thread, or directly if this process has no other request."""
    if _is_only_request.get():
        return function(*args, **kwargs)
    return await run_in_threadpool(function, *args, **kwargs)


class Route(APIRoute):
    """A route whose endpoint, if it is a plain `def` function, is called by `run`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **kwargs: Any) -> None:
        super().__init__(path, endpoint if inspect.iscoroutinefunction(endpoint) else _awaited(endpoint), **kwargs)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, called after noting whether this is the process's only request (on Lambda)."""
        handle = super().get_route_handler()

        async def call(request: Request) -> Response:
            _is_only_request.set("aws.event" in request.scope)  # Mangum sets this key, and Mangum runs only on Lambda
            return await handle(request)

        return call


def _awaited(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    @functools.wraps(endpoint)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return await run(endpoint, *args, **kwargs)

    return call
