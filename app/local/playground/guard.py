"""Keeps the pages of other sites away from the simulator: a browser would let them use its ports."""

import os
from collections.abc import Awaitable, Callable

from aiohttp import web

from app.local.aws_emulator.foreign import names_of, refusal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_NO_PAGES = ("/control/", "/static/")


@web.middleware
async def refuse_foreign(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 403 to what another site's page asks for. A link of another site may lead to a page."""
    is_page = not request.path.startswith(_NO_PAGES)
    reason = refusal(request.method, request.raw_headers, names_of(os.environ.get("LOCAL_HOSTS", "")), is_page=is_page)
    if reason is None:
        return await handler(request)
    return web.Response(status=403, text=f"Refused: {reason}. Open this page by its own address.\n")


@web.middleware
async def refuse_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 403 to what any site's page asks a simulated provider for, none of which has a page."""
    reason = refusal(request.method, request.raw_headers, names_of(os.environ.get("LOCAL_HOSTS", "")))
    return await handler(request) if reason is None else web.Response(status=403, text=f"Refused: {reason}.\n")
