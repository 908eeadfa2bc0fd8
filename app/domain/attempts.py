"""The calls that were made for an email. Times are epoch milliseconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.kinds import Cause, OutcomeKind


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to one provider for some recipients, named by their keys.

    `outcome` is None while the call is under way. `repeats` is the number of the attempt whose call this one repeats
    under the same idempotency key (0: none). `differing` are the outcomes of those recipients for whom the call ended
    otherwise, by key.
    """

    number: int
    provider: str
    recipients: tuple[str, ...]
    started_at_ms: int
    outcome: OutcomeKind | None = None
    cause: Cause | None = None
    status_code: int | None = None
    reply: str = ""
    message_id: str = ""
    duration_ms: int | None = None
    repeats: int = 0
    differing: Mapping[str, OutcomeKind] = field(default_factory=dict)

    @property
    def original_number(self) -> int:
        """The number under which the provider knows this call and reports on it: that of the first call of its key."""
        return self.repeats or self.number

    def outcome_for(self, key: str) -> OutcomeKind | None:
        """The outcome for one of its recipients, which is the call's own unless it differs."""
        return self.differing.get(key, self.outcome)


@dataclass(frozen=True, slots=True)
class EarlierCalls:
    """Calls to one provider that surely sent nothing and are not listed any more: when they began, the last outcome."""

    count: int
    first_at_ms: int
    last_at_ms: int
    outcome: OutcomeKind | None
