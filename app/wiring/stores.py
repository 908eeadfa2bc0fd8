"""Everything that is stored, and how messages reach the workers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from app.delivery.queue_ports import Publish, PublishLater, PublishMany
from app.domain.lane import Lane
from app.settings import INLINE_BYTES
from app.store.collapses import Collapses
from app.store.content import Contents
from app.store.cursors import Cursors
from app.store.entries import Recipients
from app.store.events import Events
from app.store.heads import Heads
from app.store.health import Healths
from app.store.idempotency import IdempotencyKeys
from app.store.listings import Listings
from app.store.nonces import Nonces
from app.store.places import Places
from app.store.suppressions import Suppressions
from app.store.usage import Usage

# Longer than the age up to which any provider's webhook is accepted (24 h), so that no token can be used twice.
NONCE_LIFETIME_S = 26 * 3600


def leave_to_the_sweep(email_id: str, attempt: int, at_ms: int, lane: Lane) -> None:
    """Publish nothing: the email is due then, and the next sweep finds it."""


@dataclass(frozen=True)
class Stores:
    """Everything that is stored. `contents` needs a client of S3; the others use the tables that are connected."""

    contents: Contents
    suppressions: Suppressions
    heads: Heads = field(default_factory=Heads)
    events: Events = field(default_factory=Events)
    recipients: Recipients = field(default_factory=Recipients)
    listings: Listings = field(default_factory=Listings)
    collapses: Collapses = field(default_factory=Collapses)
    keys: IdempotencyKeys = field(default_factory=IdempotencyKeys)
    healths: Healths = field(default_factory=Healths)
    places: Places = field(default_factory=Places)
    cursors: Cursors = field(default_factory=Cursors)
    usage: Usage = field(default_factory=Usage)
    nonces: Nonces = field(default_factory=lambda: Nonces(NONCE_LIFETIME_S))

    @classmethod
    def over(
        cls, s3: Callable[[], Any], bucket: str, address_secret: str, inline_limit_bytes: int = INLINE_BYTES
    ) -> "Stores":
        """The stores with contents above the limit in `bucket`. `s3` makes the client when it is first needed."""
        return cls(Contents(cache(s3), bucket, inline_limit_bytes), Suppressions(address_secret))


@dataclass(frozen=True)
class Queue:
    """How messages reach the workers: at once, many at once, and at a later time."""

    publish: Publish
    publish_many: PublishMany
    publish_later: PublishLater
