"""What events did to an email: what is logged, judged and counted of each once its head is written."""

from dataclasses import dataclass
from typing import Any, Self

from app.domain.counts import Sums, count_event
from app.domain.event import ProviderEvent
from app.domain.head import Evidence, Head, Status
from app.domain.kinds import SURELY_NOT_SENT, Kind
from app.domain.resolution import Signal, row_for

Events = list[ProviderEvent]


@dataclass(frozen=True, slots=True)
class Step:
    """What one event did to its recipient: what is logged, judged and counted once the head is written.

    `judges`: the event changes our suppression list. One that names a scope says nothing of mail that names none.
    """

    event: ProviderEvent
    was: Status
    now: Status
    judges: bool
    is_first_failure: bool  # and not one that was reported before
    was_sent_after_all: bool  # although the call had said that it surely was not
    called_at_ms: int
    sums: Sums
    proves_anew: bool  # it proves of the copy what was not proved before; of a complaint that is not known

    @classmethod
    def of(cls, before: Head, event: ProviderEvent, after: Head, now_ms: int) -> Self:
        """What `event` did that changed `before` into `after`."""
        recipient, attempt = before.recipients[event.recipient], before.made(event.attempt)
        known = recipient.evidence.get(event.attempt, frozenset())
        now_known = after.recipients[event.recipient].evidence.get(event.attempt, frozenset())
        return cls(
            event,
            recipient.status,
            after.recipients[event.recipient].status,
            not event.scope
            and (event.kind is Kind.RESUBSCRIBED or row_for(recipient, Signal.from_event(event)).suppress),
            Evidence.FAILED not in known,
            attempt.outcome_for(event.recipient) in SURELY_NOT_SENT and not known and bool(now_known),
            attempt.started_at_ms,
            count_event(event.kind, known, after_ms=min(event.at_ms, now_ms) - attempt.started_at_ms),
            now_known != known or event.kind is Kind.COMPLAINED,
        )

    @property
    def fields(self) -> dict[str, Any]:
        """What a line of the log says of it."""
        return {
            "email_id": self.event.email_id,
            "attempt": self.event.attempt,
            "provider": self.event.provider,
            "kind": self.event.kind.value,
            "was": self.was.value,
            "is": self.now.value,
            "proves_anew": self.proves_anew,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What was made of the events of one email. `head` is as it now stands; None: there is no such email."""

    head: Head | None
    kept: Events
    steps: list[Step]
