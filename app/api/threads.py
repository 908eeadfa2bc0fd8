"""Where a blocking function runs: decided here, once.

Routes are plain `def` over synchronous clients. Under uvicorn each call needs a thread, or it would stop all others.
On Lambda one request runs at a time, and the thread is 0.6 ms of CPU for nothing.
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

_alone: ContextVar[bool] = ContextVar("alone", default=False)  # is the request of this task the only one here?


async def run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function`: in place if no other request could run meanwhile, else in a thread."""
    if _alone.get():
        return function(*args, **kwargs)
    return await run_in_threadpool(function, *args, **kwargs)


class Route(APIRoute):
    """A route whose plain `def` endpoint runs where `run` says."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **kwargs: Any) -> None:
        super().__init__(path, endpoint if inspect.iscoroutinefunction(endpoint) else _awaited(endpoint), **kwargs)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Called by FastAPI."""
        handle = super().get_route_handler()

        async def call(request: Request) -> Response:
            _alone.set("aws.event" in request.scope)  # Mangum names the event it came from
            return await handle(request)

        return call


def _awaited(endpoint: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    @functools.wraps(endpoint)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return await run(endpoint, *args, **kwargs)

    return call
