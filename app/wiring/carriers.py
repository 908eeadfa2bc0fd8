"""What the use cases ask of an account beside sending, and what it carries."""

from typing import Protocol

from app.delivery.ports import Receiver
from app.domain.capability import Capability
from app.providers.sdk.limits import Limits
from app.providers.sdk.organization import organization
from app.settings import ANY_DOMAIN


class Listens(Receiver, Protocol):
    """What the use cases need of a provider beside sending: its webhooks and its limits."""

    @property
    def limits(self) -> Limits:
        """What the provider carries."""

    @property
    def signing_domain(self) -> str:
        """The one domain that signs its emails, or ""."""


def capability(account: Listens, from_domains: tuple[str, ...]) -> Capability:
    """What the account carries. Without a setting, its From must be aligned (RFC 7489 §3.1) with what signs for it."""
    if from_domains == (ANY_DOMAIN,):
        return account.limits.capability()
    signs = account.signing_domain and not from_domains
    return account.limits.capability(from_domains, organization(account.signing_domain) if signs else "")
