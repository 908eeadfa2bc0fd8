"""What SNS would answer over HTTPS, asked from the simulator instead: local mode never goes to the internet for it."""

from collections.abc import Callable, Mapping

import httpx

from app.errors import ServiceUnavailable
from app.local import ports


def fetcher(env: Mapping[str, str]) -> Callable[[str], bytes]:
    """A function URL → PEM of the certificate that signs the simulator's SNS messages.

    The URL's host has been checked by then (it is AWS's) and is not asked. The function raises ServiceUnavailable if
    the simulator does not answer.
    """
    control = ports.read(env).simulator_url
    return lambda url: _get(f"{control}/control/certificate", url)


def confirmer(env: Mapping[str, str]) -> Callable[[str], None]:
    """A function that confirms a subscription by its SubscribeURL; raises ServiceUnavailable like `fetcher`'s."""
    control = ports.read(env).simulator_url

    def confirm(url: str) -> None:
        _get(f"{control}/control/confirm", url)

    return confirm


def _get(endpoint: str, url: str) -> bytes:
    try:
        return httpx.get(endpoint, params={"url": url}, timeout=3, trust_env=False).raise_for_status().content
    except httpx.HTTPError as error:
        raise ServiceUnavailable("the provider simulator does not answer") from error
