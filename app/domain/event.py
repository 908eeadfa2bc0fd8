"""What a provider's webhook says, translated into the product's own terms."""

import hashlib
from dataclasses import dataclass

from app.domain.address import address_key
from app.domain.kinds import Cause, EventKind


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One event that a provider reports about one recipient of one attempt.

    `email_id` and `attempt` are our own, which the provider sends back as metadata ("" and 0: it sent none back).
    `recipient` becomes the key under which an email holds it; "" when the provider names none (some do so for an open).
    `at_ms` is the provider's time, never ours. `event_id` is the provider's unique id of the event, "" if it has none.
    `message_id` is the id that the provider gave the call, in the same form as in the outcome of that call.
    `scope` is the provider's own name of what somebody unsubscribed from or subscribed to again ("": everything).
    """

    provider: str
    kind: EventKind
    email_id: str
    attempt: int
    recipient: str
    at_ms: int
    event_id: str = ""
    message_id: str = ""
    cause: Cause | None = None
    detail: str = ""
    scope: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "recipient", address_key(self.recipient))

    @property
    def key(self) -> str:
        """A key that is the same whenever and however often this event comes in."""
        identity = self.event_id or f"{self.kind}\n{self.message_id}\n{self.at_ms}"
        return hashlib.sha256(f"{self.provider}\n{self.recipient}\n{identity}\n{self.scope}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as it came in. Header names are lower-case."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Nonce:
    """A one-time token of a webhook signature that does not cover the body. It counts for one body only."""

    token: str
    body_sha256: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """A verified request to confirm a subscription, by fetching `url`."""

    url: str
