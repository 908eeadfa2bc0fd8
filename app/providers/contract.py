"""What every provider has: the members of each provider's class, in this order."""

from dataclasses import dataclass
from typing import Protocol

import httpx

from app.domain.email import Message
from app.domain.event import Nonce, ProviderEvent, Subscription, Webhook
from app.domain.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may carry: recipients (to, cc and bcc together) and bytes (the whole email, encoded).

    `refused_extensions`: file name extensions, lower-case without the dot, that the provider does not take.
    `idempotent_for_s`: how long the provider promises to know an idempotency key (0: it documents none).
    """

    recipients: int
    size_bytes: int
    refused_extensions: frozenset[str] = frozenset()
    idempotent_for_s: int = 0


class Provider(Protocol):
    """A provider. It translates between the product's terms and its own wire protocol, and does no I/O."""

    @property
    def name(self) -> str:
        """The name in PROVIDERS, in webhook paths and in stories."""

    @property
    def limits(self) -> Limits:
        """What one call may carry."""

    def build(self, message: Message) -> httpx.Request:
        """The authenticated call that sends `message`. Our email id and attempt travel in it as metadata.

        If the provider documents idempotency keys, email id and attempt are the key. The same message then always makes
        the same bytes, so that the call may be repeated.
        """

    def read(self, response: httpx.Response) -> Outcome:
        """The outcome that an answer means. Every status and every body has one."""

    def verify(self, webhook: Webhook, now_s: float) -> Nonce | None:
        """Prove, on the raw bytes and in constant time, that the provider sent this webhook.

        If the signature does not cover the body, returns the signed token, which counts for this body only.
        Raises Unauthenticated if it cannot be proved, malformed bodies included, and ServiceUnavailable if it cannot be
        checked now (no key configured, certificate not reachable).
        """

    def parse(self, webhook: Webhook) -> list[ProviderEvent] | Subscription:
        """The events of a verified webhook, in its order. An entry that cannot be read is left out and logged."""

    def credentials_request(self) -> httpx.Request:
        """A harmless authenticated call for `providers check`. A 2xx answer means that the credentials work."""
