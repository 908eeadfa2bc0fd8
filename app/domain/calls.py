"""The calls to a provider, as an operator sees them: how many were made lately, how many failed, and the last error.

They count calls, and nothing is concluded from them: `app.domain.counts` has what weights and silence are judged by.
"""

from dataclasses import dataclass
from typing import Final

from app.domain.kinds import Cause, Kind, OutcomeKind
from app.domain.outcome import Outcome

RECENT_MS: Final = 5 * 60_000  # what an operator is shown as recent

_OF_THE_EMAIL: Final = frozenset({Cause.MESSAGE, Cause.POLICY, Cause.RECIPIENT, Cause.MAILBOX})


@dataclass(frozen=True, slots=True)
class CallError:
    """How a call failed, in our words only: a provider's may hold an address. `status_code` is None without an answer.

    `at_ms` is when the call had failed, in epoch milliseconds.
    """

    at_ms: int
    kind: OutcomeKind
    cause: Cause | None = None
    status_code: int | None = None


@dataclass(frozen=True, slots=True)
class Calls:
    """How many calls were made in some minutes, how many of them failed, and the last error among those."""

    made: int = 0
    failed: int = 0
    last_error: CallError | None = None

    def __add__(self, other: "Calls") -> "Calls":
        errors = [error for error in (self.last_error, other.last_error) if error is not None]
        last = max(errors, key=lambda error: error.at_ms, default=None)
        return Calls(self.made + other.made, self.failed + other.failed, last)


NO_CALLS: Final = Calls()


def proves_account(outcome: Outcome) -> bool:
    """Whether a host and an account that work have refused this email, for what is in it or for its recipient."""
    return outcome.kind in (Kind.REFUSED, Kind.UNDELIVERABLE) and outcome.cause in _OF_THE_EMAIL


def count_call(outcome: Outcome, now_ms: int) -> Calls:
    """One call with this outcome. An email that is refused for its own sake is no failure of the provider."""
    if outcome.kind is Kind.ACCEPTED or proves_account(outcome):
        return Calls(made=1)
    return Calls(1, 1, CallError(now_ms, outcome.kind, outcome.cause, outcome.status_code))


def first_recent_minute(now_ms: int) -> int:
    """The first minute of the Unix epoch that counts as recent: at least RECENT_MS, and less than a minute more."""
    return (now_ms - RECENT_MS) // 60_000
