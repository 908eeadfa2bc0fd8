"""Applying the state table: what becomes of a recipient when a signal about one of its attempts comes in.

Evidence is kept per attempt before the table is consulted, so that no signal is ever lost, whatever order they come in.
"""

from dataclasses import dataclass, replace
from typing import Any

from app.domain.attempts import Attempt
from app.domain.email import OnUncertain
from app.domain.event import ProviderEvent
from app.domain.head import Evidence, Recipient, Status
from app.domain.kinds import OF_OURS, TRANSIENT, Cause, Kind
from app.domain.outcome import Outcome
from app.domain.states import (
    AT_FAULT,
    COPY_FAILED,
    IGNORED_IF_KNOWN,
    OUTWEIGHS_DELIVERY,
    PASSED,
    PROVES,
    TABLE,
    Phase,
    Row,
    Transition,
)

_WAITING_PHASES = {Status.QUEUED: Phase.WAITING, Status.SENDING: Phase.AWAITING_EVIDENCE}


@dataclass(frozen=True, slots=True)
class Signal:
    """What was learned about one attempt: the outcome of its call, or an event that its provider reports."""

    attempt: int
    provider: str
    kind: Kind
    cause: Cause | None = None
    detail: str = ""

    @classmethod
    def from_event(cls, event: ProviderEvent) -> "Signal":
        """The signal of a provider's event."""
        return cls(event.attempt, event.provider, event.kind, event.cause, event.detail)

    @classmethod
    def from_outcome(cls, attempt: Attempt, outcome: Outcome, key: str) -> "Signal":
        """The signal of a call's outcome for `key`, one of its recipients.

        `undeliverable` for several recipients becomes `refused`, because the answer does not say who is at fault. A
        repetition that was not accepted becomes `uncertain`, because it does not say what became of the first call.
        """
        own = outcome.of(key)
        sharing = len(attempt.recipients) - len(outcome.differing)
        is_shared = own is outcome and own.kind is Kind.UNDELIVERABLE and sharing > 1
        kind = Kind.REFUSED if is_shared else own.signal_kind
        if attempt.repeats and kind is not Kind.ACCEPTED:
            kind = Kind.UNCERTAIN
        return cls(attempt.original_number, attempt.provider, kind, own.cause, own.reply)


@dataclass(frozen=True, slots=True)
class UncertainPolicy:
    """What to do when a provider may or may not have sent: the email's choice, and when waiting for evidence ends."""

    on_uncertain: OnUncertain
    wait_until_ms: int


def phase(recipient: Recipient) -> Phase:
    """The phase of the recipient: its status, and whether it has a `wait_until_ms`."""
    if recipient.wait_until_ms is not None and recipient.status in _WAITING_PHASES:
        return _WAITING_PHASES[recipient.status]
    return Phase(recipient.status.value)


def row_for(recipient: Recipient, signal: Signal) -> Row:
    """The row of the state table for this recipient and this signal."""
    kind = _as_it_counts(recipient, signal).kind
    return TABLE[phase(recipient), kind, signal.attempt == recipient.attempt]


def apply_signal(recipient: Recipient, signal: Signal, policy: UncertainPolicy) -> Recipient:
    """The recipient after `signal`. A signal that comes again, at any time, changes nothing."""
    transition = row_for(recipient, signal).transition
    signal = _as_it_counts(recipient, signal)
    known = recipient.evidence.get(signal.attempt, frozenset())
    recipient = _keep_evidence(recipient, signal)
    if known & IGNORED_IF_KNOWN.get((transition, signal.kind), frozenset()) or _is_passed(transition, signal, known):
        return recipient
    match transition:
        case Transition.SENT:
            return with_status(recipient, Status.SENT, signal.attempt)
        case Transition.DELIVERED:
            return with_status(recipient, Status.DELIVERED, signal.attempt)
        case Transition.COMPLAINED:
            return _with_reason(with_status(recipient, Status.COMPLAINED, signal.attempt), signal)
        case Transition.RETRY:
            return next_status(_with_reason(_mark_transient(recipient, signal), signal))
        case Transition.RECIPIENT_FAULT:
            return next_status(_with_reason(recipient, signal))
        case Transition.UNCERTAIN:
            return _await_evidence(_with_reason(recipient, signal), policy)
        case Transition.RETURNED:
            return _return_delivered(recipient, signal)
        case Transition.STAY:
            return recipient


def _is_passed(transition: Transition, signal: Signal, known: frozenset[Evidence]) -> bool:
    """Whether the signal says what was known already when a client asked for a retry all the same."""
    return transition is Transition.RECIPIENT_FAULT and bool(known & PASSED) and PROVES[signal.kind] <= known


def _as_it_counts(recipient: Recipient, signal: Signal) -> Signal:
    """The signal as it counts for this recipient.

    A provider's own list proves nothing about the mailbox. For whom it is to be passed, that provider has only dropped
    its copy, and the next one is asked.
    """
    is_passed = recipient.passes_lists and signal.kind is Kind.SUPPRESSED
    return replace(signal, kind=Kind.DROPPED) if is_passed else signal


def with_status(recipient: Recipient, status: Status, attempt: int) -> Recipient:
    """The recipient in `status`, because of the copy of `attempt`."""
    return replace(recipient, status=status, attempt=attempt, wait_until_ms=None, cause=None, detail="")


def live_attempts(recipient: Recipient) -> list[int]:
    """The attempts whose copy was accepted, is not reported as failed, and is not given up as silent."""
    return recipient.attempts_with(Evidence.ACCEPTED, without=(Evidence.FAILED, Evidence.SILENT))


def next_status(recipient: Recipient) -> Recipient:
    """The recipient after its current attempt has ended without success.

    In this order: `bounced` after a hard bounce or a mailbox condition of any attempt, `suppressed` if a provider's own
    list holds the address, `sent` if another copy is live, else `queued` for the next provider. What was known of the
    recipient's mailbox before a retry does not count.
    """
    dead = recipient.attempts_with(Evidence.HARD_BOUNCE, without=PASSED)
    if dead or recipient.attempts_with(Evidence.MAILBOX_CONDITION, without=PASSED):
        return replace(recipient, status=Status.BOUNCED, wait_until_ms=None)
    if recipient.attempts_with(Evidence.SUPPRESSED, without=PASSED):
        return replace(recipient, status=Status.SUPPRESSED, wait_until_ms=None)
    live = live_attempts(recipient)
    if live:
        return with_status(recipient, Status.SENT, live[-1])
    return replace(recipient, status=Status.QUEUED, wait_until_ms=None)


def give_up_silent_copy(recipient: Recipient) -> Recipient:
    """The recipient once the copy that a silent provider accepted no longer counts."""
    without_copy = _add_evidence(recipient, recipient.attempt, Evidence.SILENT)
    return next_status(replace(without_copy, wait_until_ms=None))


def stop_trying(recipient: Recipient, status: Status, **reason: Any) -> Recipient:
    """End a queued recipient, for whom no provider is called any more.

    The result has `status`, or is `sent` if a silent provider had accepted a copy. `reason` may set cause and detail.
    """
    accepted = recipient.attempts_with(Evidence.ACCEPTED, without=(Evidence.FAILED,))
    if accepted:
        return with_status(recipient, Status.SENT, accepted[-1])
    return replace(recipient, status=status, wait_until_ms=None, **reason)


def _keep_evidence(recipient: Recipient, signal: Signal) -> Recipient:
    known = recipient.evidence.get(signal.attempt, frozenset())
    proved = known | PROVES.get(signal.kind, frozenset())
    if signal.kind in COPY_FAILED and Evidence.DELIVERED in known and Evidence.FAILED not in known:
        proved |= {Evidence.RETURNED}
    if (proved - known) & frozenset(AT_FAULT):
        proved -= PASSED  # it was not known when the client asked for the retry
    return recipient if proved == known else replace(recipient, evidence={**recipient.evidence, signal.attempt: proved})


def _add_evidence(recipient: Recipient, attempt: int, *evidence: Evidence) -> Recipient:
    known = recipient.evidence.get(attempt, frozenset())
    return replace(recipient, evidence={**recipient.evidence, attempt: known.union(evidence)})


def _mark_transient(recipient: Recipient, signal: Signal) -> Recipient:
    """Note that the provider failed for a transient reason, so that a later round may call it again.

    A drop that speaks of our account there is one, as the same words in an answer are.
    """
    is_transient = signal.kind in TRANSIENT or (signal.kind is Kind.DROPPED and signal.cause in OF_OURS)
    transient = {signal.provider: True} if is_transient else {}
    return replace(recipient, tried={**recipient.tried, **transient})


def _await_evidence(recipient: Recipient, policy: UncertainPolicy) -> Recipient:
    # If another attempt's copy is live, there is nothing to wait for.
    if policy.on_uncertain is OnUncertain.FAILOVER or live_attempts(recipient):
        return next_status(recipient)
    return replace(recipient, wait_until_ms=policy.wait_until_ms, waits_for=None)


def _return_delivered(recipient: Recipient, signal: Signal) -> Recipient:
    delivered = recipient.attempts_with(Evidence.DELIVERED, without=OUTWEIGHS_DELIVERY)
    if delivered:
        return replace(recipient, attempt=delivered[-1])
    return _with_reason(with_status(recipient, Status.BOUNCED, signal.attempt), signal)


def _with_reason(recipient: Recipient, signal: Signal) -> Recipient:
    return replace(recipient, cause=signal.cause, detail=signal.detail)
