"""What every provider is: the members of each provider file, in this order."""

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
    `idempotent_for_s`: how long the provider promises to know an idempotency key; 0: it documents none.
    """

    recipients: int
    size_bytes: int
    refused_extensions: frozenset[str] = frozenset()
    idempotent_for_s: int = 0


class Provider(Protocol):
    """A provider: it knows its wire protocol and nothing else."""

    @property
    def name(self) -> str:
        """As in PROVIDERS, in webhook paths and in stories."""

    @property
    def limits(self) -> Limits:
        """What one call may carry."""

    def build(self, message: Message) -> httpx.Request:
        """The call that sends `message`, authenticated; our email id and attempt travel as metadata.

        Where the provider documents an idempotency key, email id and attempt are that key, and the same message makes
        the same bytes: it may be asked again.
        """

    def read(self, response: httpx.Response) -> Outcome:
        """What an answer means. Total: every status and every body has an outcome."""

    def verify(self, webhook: Webhook, now_s: float) -> Nonce | None:
        """Prove, on the raw bytes and in constant time, that the provider sent this.

        Returns the token that may be used for this body only, where the signature does not cover the body.
        Raises Unauthenticated if it cannot be proved, malformed bodies included, and ServiceUnavailable if it cannot be
        checked now (no key configured, certificate not reachable).
        """

    def parse(self, webhook: Webhook) -> list[ProviderEvent] | Subscription:
        """The events of a verified webhook, in its order; an entry it cannot read is left out and logged."""

    def credentials_request(self) -> httpx.Request:
        """A harmless authenticated call: 2xx means that the credentials work. For `providers check`."""
