"""Calls over plain HTTP. To load certificates, as httpx does for each client, takes longer than the call."""

import ssl
from collections.abc import Mapping

import httpx


def get(url: str, timeout_s: float, params: Mapping[str, str | int] | None = None) -> httpx.Response:
    """The answer to a GET, whatever its status. No proxy is used. Raises httpx.HTTPError if there is none."""
    return _call("GET", url, timeout_s, params)


def post(url: str, params: Mapping[str, str | int], timeout_s: float) -> httpx.Response:
    """The answer to a POST without a body, as `get` returns it."""
    return _call("POST", url, timeout_s, params)


def _call(method: str, url: str, timeout_s: float, params: Mapping[str, str | int] | None) -> httpx.Response:
    transport = httpx.HTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False)
    with httpx.Client(transport=transport, trust_env=False, timeout=timeout_s) as client:
        return client.request(method, url, params=params)
