"""What a provider's webhook says, in our words."""

import hashlib
from dataclasses import dataclass

from app.domain.kinds import Cause, EventKind


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a provider reports about one recipient of one attempt.

    `email_id` and `attempt` are our own, as they came back in the provider's metadata ("" and 0: none came back).
    `recipient` is lower-case; "" when the provider names none (an open at SES). `at_ms` is the provider's time, never
    ours. `event_id` is the provider's unique id of the event, "" if it has none.
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

    @property
    def key(self) -> str:
        """The same event has the same key, whenever and however often it comes."""
        told = self.event_id or f"{self.kind}\n{self.message_id}\n{self.at_ms}"
        return hashlib.sha256(f"{self.provider}\n{self.recipient}\n{told}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as it came in. Header names are lower-case."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Nonce:
    """A one-time token of a webhook signature that does not cover the body: one token, one body."""

    token: str
    body_sha256: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """A verified request to confirm a subscription, by fetching `url`."""

    url: str
