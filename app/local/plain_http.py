"""A GET over plain HTTP. To load certificates, as httpx does for each client, takes longer than the call."""

import ssl
from collections.abc import Mapping

import httpx


def get(url: str, timeout_s: float, params: Mapping[str, str] | None = None) -> httpx.Response:
    """The answer, whatever its status. No proxy is used. Raises httpx.HTTPError if there is none."""
    transport = httpx.HTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False)
    with httpx.Client(transport=transport, trust_env=False, timeout=timeout_s) as client:
        return client.get(url, params=params)
