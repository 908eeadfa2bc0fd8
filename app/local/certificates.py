"""Fetches from the simulator what a deployed process fetches from SNS: its certificate, and URLs that confirm.

The URLs name hosts of AWS, which must not be called for a simulated topic; and the simulator must not answer for the
topic of a real account, or its key would prove what SNS never said.
"""

from collections.abc import Callable, Mapping

import httpx

from app.errors import ServiceUnavailable
from app.local import environment, plain_http, ports
from app.providers.sdk.web import Web


def chooser(env: Mapping[str, str], outside: Web) -> Callable[[str], Web]:
    """A function that returns what an account fetches by.

    That is the simulator if the account is a simulated one, else `outside`.
    """
    simulated, inside = frozenset(environment.simulated(env)), Web(fetcher(env), confirmer(env))
    return lambda account: inside if account in simulated else outside


def fetcher(env: Mapping[str, str]) -> Callable[[str], bytes]:
    """A function that returns, as PEM, the certificate that signs the simulator's SNS messages.

    Its argument is the certificate's URL, whose host has been checked to be AWS's and is not called. The function
    raises ServiceUnavailable if the simulator does not answer.
    """
    control = ports.read(env).simulator_url
    return lambda url: _get(f"{control}/control/certificate", url)


def confirmer(env: Mapping[str, str]) -> Callable[[str], None]:
    """A function that confirms a subscription by its SubscribeURL.

    The function raises ServiceUnavailable if the simulator does not answer.
    """
    control = ports.read(env).simulator_url

    def confirm(url: str) -> None:
        _get(f"{control}/control/confirm", url)

    return confirm


def _get(endpoint: str, url: str) -> bytes:
    try:
        return plain_http.get(endpoint, timeout_s=3, params={"url": url}).raise_for_status().content
    except httpx.HTTPError as error:
        raise ServiceUnavailable("the provider simulator does not answer") from error
