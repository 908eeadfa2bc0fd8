"""Reads the header Idempotency-Key, as applications write it: `abc`, or `"abc"` as the IETF's draft has it.

draft-ietf-httpapi-idempotency-key-header-07 (2025-10): the value is a string of RFC 9651 §3.3.3, in quotes. Most
clients send it without.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final

from fastapi import Depends, Header, Request
from pydantic import WithJsonSchema

from app.errors import Invalid

NAME: Final = "Idempotency-Key"
LONGEST: Final = 256
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')

_Declared = Annotated[
    Annotated[str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST})] | None,
    Header(
        alias=NAME,
        description="However often a request is sent with the same key and the same body, one email is stored.",
    ),
]


async def _read(request: Request, _: _Declared = None) -> str | None:
    return parse(_values(request))


IdempotencyKey = Annotated[str | None, Depends(_read)]


def refused(why: str) -> Callable[[Request], Awaitable[None]]:
    """The dependency of a call that takes no such header. It raises Invalid, which says why, if there is one."""

    async def refuse(request: Request) -> None:
        if _values(request):
            raise Invalid((NAME, why))

    return refuse


def parse(values: Sequence[str]) -> str | None:
    """The key in these values of the header. None: there is none. Raises Invalid for several, and for no key."""
    if not values:
        return None
    if len(values) > 1:
        raise Invalid((NAME, f"is there {len(values)} times; send one key with one request"))
    key = values[0].strip()
    if key.startswith('"'):
        quoted = _QUOTED.fullmatch(key)
        if quoted is None:
            raise Invalid((NAME, 'begins with a quote, but is not a string in quotes (RFC 9651); write "KEY" or KEY'))
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    if not 1 <= len(key) <= LONGEST:
        raise Invalid((NAME, f"must have 1 to {LONGEST} characters"))
    return key


def _values(request: Request) -> list[str]:
    """Each value of its own. Mangum joins those of a REST API's event; an HTTP API's event has them joined already."""
    apart = (request.scope.get("aws.event") or {}).get("multiValueHeaders") or {}
    if apart:
        return [value for name, values in apart.items() if name.lower() == NAME.lower() for value in values or ()]
    return request.headers.getlist(NAME)
