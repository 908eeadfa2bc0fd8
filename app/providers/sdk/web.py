"""The two fetches that a webhook may cause: a certificate, and the confirmation of a subscription."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from app.errors import ServiceUnavailable

TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Web:
    """The two fetches that a webhook may cause. Both are only ever given URLs of AWS's SNS hosts."""

    certificate: Callable[[str], bytes]
    confirm: Callable[[str], None]


def internet() -> Web:
    """The fetches as a deployed process makes them."""

    def certificate(url: str) -> bytes:
        return httpx.get(url, timeout=TIMEOUT_S).raise_for_status().content

    def confirm(url: str) -> None:
        try:
            httpx.get(url, timeout=TIMEOUT_S).raise_for_status()
        except httpx.HTTPError as error:
            raise ServiceUnavailable(f"the subscription could not be confirmed: {type(error).__name__}") from error

    return Web(certificate, confirm)
