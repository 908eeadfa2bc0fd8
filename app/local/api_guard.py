"""Stands before the API in local mode: its key is known to everybody, so only this machine may use it.

A tunnel that brings webhooks here must not publish the API, and no page of another site may use it from a browser.
"""

import os
from typing import Final

from starlette.types import Scope

from app.local.aws_emulator.foreign import is_forwarded, names_of, refusal

# What the outside may call: providers report through a tunnel, and whoever has set it up wants to see that it works.
_OPEN: Final = ("/v1/webhooks/", "/health")
THROUGH_A_TUNNEL: Final = (
    "local mode: through a tunnel or proxy it takes webhooks only; LOCAL_HOSTS names hosts to be trusted"
)
_PAGES: Final = ("/docs", "/docs/")  # a link may lead there


def refuse(scope: Scope) -> str | None:
    """Why the request is refused, for `app.api.guard`. None: it is this machine's own, or open to everybody."""
    names, headers, path = names_of(os.environ.get("LOCAL_HOSTS", "")), scope["headers"], scope["path"]
    if is_forwarded(headers, names):
        return None if path.startswith(_OPEN) else THROUGH_A_TUNNEL
    return refusal(scope["method"], headers, names, is_page=path in _PAGES)
