"""The two fetches that a webhook may cause: a certificate, and the confirmation of a subscription."""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from app.errors import ServiceUnavailable
from app.providers.sdk import answers
from app.providers.sdk.network import Lookup, Wire

TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Web:
    """The two fetches that a webhook may cause. Both are only ever given URLs of AWS's SNS hosts."""

    certificate: Callable[[str], bytes]
    confirm: Callable[[str], None]


def trusted() -> ssl.SSLContext:
    """The certificates that a fetch trusts. To load them takes a while."""
    return httpx.create_ssl_context(trust_env=False)


def internet(trust: Callable[[], ssl.SSLContext] = trusted, lookup: Lookup = socket.getaddrinfo) -> Web:
    """The fetches as a deployed process makes them: over the same wire as its emails, so that either both work.

    `lookup` finds the addresses of a host, as socket.getaddrinfo does.
    """

    def fetch(url: str) -> bytes:
        # A client of its own for each fetch: they are rare, and most processes make none.
        return _get(url, Wire(TIMEOUT_S, CONNECT_TIMEOUT_S, trust(), lookup))

    def confirm(url: str) -> None:
        try:
            fetch(url)
        except httpx.HTTPError as error:
            raise ServiceUnavailable(f"the subscription could not be confirmed: {type(error).__name__}") from error

    return Web(fetch, confirm)


def _get(url: str, wire: Wire) -> bytes:
    """The whole body of a 2xx answer. Raises httpx.HTTPStatusError for another one, httpx.HTTPError for none."""
    with httpx.Client(transport=wire, follow_redirects=False, trust_env=False) as client:
        response = client.get(url).raise_for_status()
    if answers.is_cut(response):
        raise httpx.ReadError("the answer was cut off", request=response.request)
    return response.content
