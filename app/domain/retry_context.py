"""What decides about the waits of a recipient beside the recipient itself."""

from dataclasses import dataclass

from app.domain.attempts import Attempt
from app.domain.dispatch import DispatchContext
from app.domain.email import OnUncertain
from app.domain.head import Evidence, Head, Stop
from app.domain.route import Availability


@dataclass(frozen=True, slots=True)
class RetryContext:
    """What decides about a recipient's waits beside the recipient itself: the email's limits, the context, the time.

    `is_informed`: `dispatch_context` was read for this moment. Otherwise it only assumes that every provider is
    available and reports, so an ended wait is left to the next attempt, which reads it. `has_virus`: a provider has
    found a virus in a copy of any recipient, and the others' are the same.
    """

    email_id: str
    on_uncertain: OnUncertain
    expires_at_ms: int
    retry_until_ms: int
    dispatch_context: DispatchContext
    now_ms: int
    attempts: tuple[Attempt, ...] = ()
    stopped: Stop | None = None
    is_informed: bool = True
    has_virus: bool = False

    @classmethod
    def of(
        cls, head: Head, dispatch_context: DispatchContext, now_ms: int, *, is_informed: bool = True
    ) -> "RetryContext":
        """The retry context of `head`."""
        return cls(
            head.email_id,
            head.on_uncertain,
            head.expires_at_ms,
            head.retry_until_ms,
            dispatch_context,
            now_ms,
            head.attempts,
            head.stopped,
            is_informed,
            any(recipient.attempts_with(Evidence.VIRUS) for recipient in head.recipients.values()),
        )

    @property
    def stop(self) -> Stop | None:
        """Why nothing more is sent to anybody, if so: remembered by the head, or true by now."""
        return self.stopped or (Stop.SUPERSEDED if self.dispatch_context.superseded else None)

    @property
    def available_providers(self) -> tuple[str, ...]:
        """The providers that may be called now.

        After `retry_until_ms`, these include those that are unavailable for now, as the last round calls these too.
        """
        available = self.dispatch_context.providers(Availability.AVAILABLE)
        if self.now_ms < self.retry_until_ms:
            return available
        return available + self.dispatch_context.providers(Availability.UNAVAILABLE_FOR_NOW)
