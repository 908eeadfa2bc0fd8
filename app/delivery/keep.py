"""keep: let all that belongs to an email be kept for longer, before its head says so."""

from dataclasses import dataclass
from typing import Final

from app.delivery.ports import ContentStore, EventStore, KeyStore
from app.domain.head import Head

# A key expires a day before its email, so a key that is still known never names an email that has been deleted.
OUTLIVES_KEY_S: Final = 24 * 3600


@dataclass(frozen=True)
class Keep:
    """Keeps content, entries, events and the idempotency key of an email."""

    contents: ContentStore
    events: EventStore
    keys: KeyStore

    def __call__(self, before: Head, after: Head, now_ms: int) -> None:
        """Keep all of it until the end of `after`, if that is later than the end of `before`.

        Raises ServiceUnavailable if not all of it could be stored: then the head must not be written.
        """
        if after.ttl_s <= before.ttl_s:
            return
        self.contents.keep(after, now_ms)
        self.events.keep(after.email_id, after.ttl_s)
        if after.key_hash:
            self.keys.keep(after.key_hash, after.email_id, after.ttl_s - OUTLIVES_KEY_S)
