"""What was written of an email, as the table's stream tells it. Times are epoch milliseconds."""

from dataclasses import dataclass

from app.domain.event import ProviderEvent
from app.domain.head import EmailStatus, Head


@dataclass(frozen=True, slots=True)
class HeadWritten:
    """At that time, `new` was written in the place of `old` (None: there was no email)."""

    old: Head | None
    new: Head
    at_ms: int


@dataclass(frozen=True, slots=True)
class EventStored:
    """At that time, a provider's event was stored.

    `version` is that of its email's head then. `status` is what the recipient had come to, as it is told; the email's,
    if the provider names nobody of several. `email_status` is what the email had come to.
    """

    event: ProviderEvent
    version: int
    at_ms: int
    status: str
    email_status: EmailStatus


Written = HeadWritten | EventStored
