"""What is counted of a provider's calls and reports, minute by minute, and which counts speak against it."""

from dataclasses import dataclass
from typing import Final

from app.domain.head import Evidence
from app.domain.kinds import Cause, Kind
from app.domain.outcome import Outcome

ERRORS_A_MINUTE = 50
ERRORS_SHARE = 0.1
BLOCKS_PER_ERROR = 5  # this many blocked recipients count as one error: a block may be the email's fault
SLOW_CALL_MS = 5_000  # a call that takes longer is an error, though it succeeds: it keeps a worker from other emails
SLOW_AFTER_MS = 5 * 60_000  # a delivery that takes longer than this, from the call to the mailbox, is an error

# The kinds of event that say what became of a copy, or that the provider goes on trying.
REPORTS: Final = frozenset(
    {
        Kind.DELAYED,
        Kind.DELIVERED,
        Kind.OPENED,
        Kind.CLICKED,
        Kind.COMPLAINED,
        Kind.HARD_BOUNCE,
        Kind.MAILBOX_CONDITION,
        Kind.SOFT_BOUNCE,
        Kind.BLOCKED,
        Kind.DROPPED,
        Kind.VIRUS,
        Kind.SUPPRESSED,
    }
)
_ENDED: Final = frozenset({Evidence.DELIVERED, Evidence.FAILED})
# What is known of a copy after the first of these reports.
REPORTED: Final = _ENDED | {Evidence.DELAYED, Evidence.OPENED}


@dataclass(frozen=True, slots=True)
class Sums:
    """What happened at one provider in one minute (that in which the call began), counted in recipients.

    `reported` counts the recipients on whom the provider has reported. `our_faults` counts its genuine reports that we
    refused or failed to record, in the minute in which they came; our own health check that fails counts as one.
    """

    accepted: int = 0
    failed: int = 0
    slow: int = 0
    blocked: int = 0
    reported: int = 0
    our_faults: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.accepted + other.accepted,
            self.failed + other.failed,
            self.slow + other.slow,
            self.blocked + other.blocked,
            self.reported + other.reported,
            self.our_faults + other.our_faults,
        )

    @property
    def errors(self) -> int:
        """How many errors count against the provider: failed calls, slow deliveries, and one for every five blocks."""
        return self.failed + self.slow + self.blocked // BLOCKS_PER_ERROR

    @property
    def has_errors(self) -> bool:
        """Whether anything here counts against the provider."""
        return bool(self.failed or self.slow or self.blocked)

    @property
    def is_bad(self) -> bool:
        """Whether there are enough errors, and a large enough share of errors, to lower the weight."""
        return self.errors > ERRORS_A_MINUTE and self.errors >= ERRORS_SHARE * (self.accepted + self.failed)

    @property
    def share(self) -> float:
        """The share of the accepted recipients that the provider has reported on; 0 if it accepted none."""
        return min(1.0, self.reported / self.accepted) if self.accepted else 0.0


def count_outcome(outcome: Outcome, recipients: int, duration_ms: int = 0) -> Sums:
    """What the outcome of a call to `recipients` people, which took `duration_ms`, adds to the counts."""
    if outcome.kind is Kind.ACCEPTED:
        return Sums(accepted=recipients, slow=recipients if duration_ms >= SLOW_CALL_MS else 0)
    if is_outage(outcome):
        return Sums(failed=recipients)
    return Sums()


def count_event(kind: Kind, known: frozenset[Evidence], after_ms: int) -> Sums:
    """What a webhook's event, `after_ms` after the call, adds to the counts. `known` is what it is known after.

    Only a copy's first report counts as one, whichever it is: an open may overtake the delivery. A delivery is slow
    only as the first report, because a delay that was reported before is the mail host's. A block counts also after a
    report of a delay.
    """
    is_report = kind in REPORTS and not known & REPORTED
    return Sums(
        reported=int(is_report),
        slow=int(is_report and kind is Kind.DELIVERED and after_ms > SLOW_AFTER_MS),
        blocked=int(kind is Kind.BLOCKED and not known & _ENDED),
    )


def is_outage(outcome: Outcome) -> bool:
    """Whether the provider or the connection to it was at fault; the email may or may not have been sent."""
    return outcome.cause is Cause.OUTAGE
