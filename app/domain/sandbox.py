"""The sandbox: two accounts that reach nobody, through which test keys send. The local part of a recipient decides.

Everything here follows from the stored head alone, so that whoever comes next, after a crash too, tells the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from app.domain.attempts import Attempt
from app.domain.event import ProviderEvent
from app.domain.head import Evidence, Head, Recipient, Status
from app.domain.kinds import Cause, EventKind, Kind
from app.domain.outcome import Outcome
from app.domain.sandbox_accounts import ACCOUNTS
from app.domain.suppression import LASTS_MS, Notice, Reason

KEY_KNOWN_FOR_MS: Final = 24 * 3600 * 1000  # a call of unknown outcome is repeated, and never makes a second copy
DELIVERED_LATE_MS: Final = 5000  # so long after the call `delayed@` is delivered
# Whoever wrote the outcome tells at once what there is to tell. After this long it has died, and another one tells it.
OVERDUE_MS: Final = 5000

DELIVERED, SUPPRESSED, FAILOVER = "delivered", "suppressed", "failover"


@dataclass(frozen=True, slots=True)
class Report:
    """What the sandbox reports of a copy that it has taken. Of two at the same time, `order` says which is later."""

    kind: EventKind
    cause: Cause | None
    detail: str
    after_ms: int = 0  # the end of the call
    order: int = 0


class Pending(NamedTuple):
    """A report that the head does not know yet, and when it is to be told, in epoch milliseconds."""

    due_ms: int
    event: ProviderEvent


_DELIVERED: Final = Report(Kind.DELIVERED, None, "250 2.0.0 OK: sandbox")
REPORTS: Final[Mapping[str, tuple[Report, ...]]] = {
    DELIVERED: (_DELIVERED,),
    "bounced": (Report(Kind.HARD_BOUNCE, Cause.RECIPIENT, "550 5.1.1 No such mailbox: sandbox"),),
    "blocked": (Report(Kind.BLOCKED, Cause.POLICY, "550 5.7.1 Blocked for its reputation: sandbox"),),
    "complained": (_DELIVERED, Report(Kind.COMPLAINED, Cause.RECIPIENT, "reported as spam: sandbox", order=1)),
    SUPPRESSED: (),
    "delayed": (
        Report(Kind.DELAYED, None, "451 4.7.1 Try again later: sandbox"),
        Report(Kind.DELIVERED, None, _DELIVERED.detail, after_ms=DELIVERED_LATE_MS),
    ),
    "silent": (),
    FAILOVER: (_DELIVERED,),
}
"""By local part, without its `+label`: what is reported. Any other local part is like `delivered`."""

_PROVED_BY: Final[Mapping[Kind, Evidence]] = {
    Kind.DELIVERED: Evidence.DELIVERED,
    Kind.HARD_BOUNCE: Evidence.HARD_BOUNCE,
    Kind.BLOCKED: Evidence.FAILED,
    Kind.DELAYED: Evidence.DELAYED,
}


def behaviour(key: str) -> str:
    """The key of REPORTS by which the recipient with this address, in lower case, behaves."""
    local = key.rpartition("@")[0].partition("+")[0]
    return local if local in REPORTS else DELIVERED


def suppressed(keys: Iterable[str], now_ms: int) -> dict[str, Notice]:
    """Those of the recipients who count as being on our suppression list, and for how long."""
    until_ms = now_ms + LASTS_MS[Reason.HARD_BOUNCE]
    return {key: Notice(Reason.HARD_BOUNCE, until_ms) for key in keys if behaviour(key) == SUPPRESSED}


def answer(account: str, keys: Iterable[str], email_id: str, attempt: int) -> Outcome:
    """What a call through one of ACCOUNTS to these recipients comes to. The first account never takes `failover`."""
    keys = list(keys)
    refused = [key for key in keys if account == ACCOUNTS[0] and behaviour(key) == FAILOVER]
    unavailable = Outcome(Kind.UNAVAILABLE, Cause.OUTAGE, 503, "the sandbox is unavailable for failover@")
    if len(refused) == len(keys):
        return unavailable
    message_id = f"sandbox-{email_id}-{attempt}"
    return Outcome(Kind.ACCEPTED, status_code=200, message_id=message_id, differing=dict.fromkeys(refused, unavailable))


def pending(head: Head) -> list[Pending]:
    """Every report of a test email that its head does not know, in the order in which they are told."""
    return sorted(_pending(head), key=lambda one: (one.due_ms, one.event.at_ms))


def next_report_ms(head: Head) -> int | None:
    """When the next report is to be told, in epoch milliseconds. None: there is none to come, as of all real mail."""
    return min((one.due_ms for one in _pending(head)), default=None) if head.sandbox else None


def _pending(head: Head) -> Iterator[Pending]:
    for attempt in head.attempts:
        for key in attempt.recipients:
            if attempt.outcome_for(key) is Kind.ACCEPTED:
                for report in REPORTS[behaviour(key)]:
                    if not _is_known(head.recipients[key], attempt, report):
                        yield _planned(head, attempt, key, report)


def _is_known(recipient: Recipient, attempt: Attempt, report: Report) -> bool:
    if report.kind is Kind.COMPLAINED:  # which proves no more than the delivery
        return recipient.status is Status.COMPLAINED
    return recipient.has_evidence(attempt.original_number, _PROVED_BY[report.kind])


def _planned(head: Head, attempt: Attempt, key: str, report: Report) -> Pending:
    due_ms = attempt.started_at_ms + (attempt.duration_ms or 0) + report.after_ms
    event = ProviderEvent(
        provider=attempt.provider,
        kind=report.kind,
        email_id=head.email_id,
        attempt=attempt.original_number,
        recipient=key,
        at_ms=due_ms + report.order,
        event_id=f"{head.email_id}-{attempt.original_number}-{report.kind}",
        message_id=attempt.message_id,
        cause=report.cause,
        detail=report.detail,
    )
    return Pending(due_ms, event)
