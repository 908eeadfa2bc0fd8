"""Keeps the pages of other sites away: a browser would let them use this port with its user's rights."""

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_READING: Final = ("GET", "HEAD", "OPTIONS")
_OWN_NAMES: Final = ("localhost", "host.docker.internal")


@web.middleware
async def refuse_foreign(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 403 to what another site's page asks for. Programs send none of these headers but Host."""
    reason = foreign(request.method, request.headers)
    if reason is None:
        return await handler(request)
    return web.Response(status=403, text=f"Refused: {reason}. Open this page by its own address.\n")


def foreign(method: str, headers: Mapping[str, str]) -> str | None:
    """Why the request is not this machine's own. Returns None if it is.

    The name in Host must be this machine's, because another name may have been pointed here by somebody else (DNS
    rebinding). What changes something must come from a page of this very port.
    """
    host = headers.get("Host", "")
    if not _is_own(host):
        return "the header Host is not this machine's"
    if method in _READING:
        return None
    origin = headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return "the header Origin is another page's"
    if headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return "the request comes from another site"
    return None


def _is_own(host: str) -> bool:
    """Whether Host is an address in digits, or a name that only this machine has."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in _OWN_NAMES or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
