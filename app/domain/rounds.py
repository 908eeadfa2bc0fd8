"""Rounds and rescue: what becomes of a recipient when no provider can be called, or when its wait has ended.

A round ends when every available provider has been called. If one of them failed for a transient reason, or nobody
knows what became of its call, the next round calls only those providers, after a wait that grows from round to round.
A provider that could not be called is called as soon as it can be, without a new round. This goes on until
`retry_until_ms`. Nothing is sent after `expires_at_ms`, nor once too many calls are of unknown outcome.

A provider that is paused, by an operator, a cap or its own quota, is waited for until `expires_at_ms` (`limits`).

A rescue sends a critical email again that a provider accepted before it fell silent.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter

from app.domain import limits
from app.domain.attempts import Attempt
from app.domain.email import OnUncertain
from app.domain.head import Evidence, Head, Recipient, Status, Stop
from app.domain.health import SILENT_AFTER_MS
from app.domain.kinds import Cause
from app.domain.resolution import give_up_silent_copy, next_status, stop_trying
from app.domain.retry_context import RetryContext
from app.domain.route import Availability
from app.domain.unknown_calls import AT_MOST, called_again, counted_calls, may_have_arrived, unknown_calls
from app.domain.waiting import Waiting

# Minutes between rounds; the last one repeats.
ROUND_WAITS_MS = tuple(minutes * 60_000 for minutes in (1, 2, 5, 10, 30))
# A wait is shortened by up to this share, so that emails that wait for the same outage do not all return at once.
JITTER = 0.25
SHORTEST_WAIT_MS = 1000  # a wait for an unavailable provider is never shorter than this
WATCHED_FOR_QUARTERS = 8  # how often, SILENT_AFTER_MS apart, a sent recipient of a critical email is checked
ON_OUR_LIST = "on our suppression list"
HAS_VIRUS = "a provider has found a virus in this email"
SUPERSEDED = "superseded by a newer email"


def settle_recipient(recipient: Recipient, context: RetryContext) -> Recipient:
    """The recipient after a wait that is over has ended.

    A scheduled recipient becomes queued then; before, it is left alone unless a newer email replaces this one. A queued
    recipient then stays queued if a provider may be called now, waits for the next round, or gets its final status.
    """
    recipient = _end_wait(recipient, context)
    if recipient.status not in (Status.SCHEDULED, Status.QUEUED):
        return recipient
    if context.stop is not None:
        return _cancel(recipient, context)
    if recipient.status is Status.SCHEDULED:
        return recipient  # what else may keep it from being sent is checked when its time has come
    if recipient.key in context.dispatch_context.suppressed:
        return stop_trying(recipient, Status.SUPPRESSED, cause=Cause.RECIPIENT, detail=ON_OUR_LIST)
    if context.has_virus:
        detail = recipient.detail if recipient.cause is Cause.MESSAGE else HAS_VIRUS
        return give_up(replace(recipient, cause=Cause.MESSAGE), Status.FAILED, detail, context.attempts)
    if recipient.wait_until_ms is not None:
        return recipient
    if context.now_ms >= context.expires_at_ms:
        return give_up(recipient, Status.EXPIRED, limits.expired(recipient), context.attempts, Cause.OUTAGE)
    if len(counted_calls(recipient, context.attempts)) >= AT_MOST[context.on_uncertain]:
        return give_up(recipient, Status.FAILED, recipient.detail, context.attempts)
    return _go_on(_end_round(recipient, context), context)


def _cancel(recipient: Recipient, context: RetryContext) -> Recipient:
    if context.stop is Stop.SUPERSEDED:
        return stop_trying(recipient, Status.CANCELED, detail=SUPERSEDED)
    return give_up(recipient, Status.CANCELED, recipient.detail, context.attempts)


def _go_on(recipient: Recipient, context: RetryContext) -> Recipient:
    """A queued recipient who may be sent to: it stays queued, waits, or has failed if no provider is left."""
    if any(provider not in recipient.tried for provider in context.available_providers):
        return recipient
    waiting = _wait(recipient, context)
    if waiting.wait_until_ms is not None:
        return waiting
    carriers = [one for one in context.dispatch_context.route if one.availability is not Availability.EXCLUDED]
    if not carriers:
        return give_up(recipient, Status.FAILED, "no provider may carry this email", context.attempts, Cause.MESSAGE)
    # Whoever was asked said why. If nobody was, each account has waited for something.
    waited = "; ".join(f"{one.provider}: {one.why}" for one in carriers)
    detail = recipient.detail or f"never asked: {waited}"
    return give_up(recipient, Status.FAILED, detail, context.attempts, Cause.OUTAGE)


def give_up(
    recipient: Recipient, status: Status, detail: str, attempts: Sequence[Attempt], cause: Cause | None = None
) -> Recipient:
    """End a queued recipient, with `cause` if none is known.

    If it may have got the email all the same, this is said instead of `detail`.
    """
    if unknown := unknown_calls(recipient, attempts):
        return stop_trying(recipient, status, cause=Cause.UNKNOWN, detail=may_have_arrived(unknown))
    return stop_trying(recipient, status, detail=detail, cause=recipient.cause or cause)


def rescue(head: Head, context: RetryContext) -> dict[str, Recipient]:
    """The recipients of a critical email that are `sent`: queued again if their provider has fallen silent.

    The others keep their status and get the time at which they are checked again.
    """
    return {
        key: _rescue_recipient(head, recipient, context)
        for key, recipient in head.recipients.items()
        if recipient.status is Status.SENT
    }


def _rescue_recipient(head: Head, recipient: Recipient, context: RetryContext) -> Recipient:
    if head.stopped is not None or head.on_uncertain is OnUncertain.FAIL:
        return replace(recipient, wait_until_ms=None)  # a rescue may make a second copy, which is not wanted
    if any(recipient.has_evidence(recipient.attempt, proof) for proof in (Evidence.OPENED, Evidence.DELAYED)):
        return replace(recipient, wait_until_ms=None)  # the provider reports, and the copy got to a host
    if recipient.wait_until_ms is not None and not (context.is_informed and context.now_ms >= recipient.wait_until_ms):
        return recipient
    attempt = head.made(recipient.attempt)
    silent_for_ms = context.now_ms - attempt.started_at_ms
    is_given_up = recipient.has_evidence(attempt.number, Evidence.SILENT)
    is_silent = attempt.provider in context.dispatch_context.silent
    if silent_for_ms >= SILENT_AFTER_MS and is_silent and not is_given_up:
        without_copy = give_up_silent_copy(recipient)
        if without_copy.status is Status.SENT:  # an older copy counts instead and is checked like any other
            return _rescue_recipient(head, without_copy, context)
        if _would_be_sent_now(without_copy, context):
            return without_copy
    quarters = silent_for_ms // SILENT_AFTER_MS + 1
    until_ms = attempt.started_at_ms + quarters * SILENT_AFTER_MS if quarters <= WATCHED_FOR_QUARTERS else None
    return replace(recipient, wait_until_ms=until_ms)


def _would_be_sent_now(recipient: Recipient, context: RetryContext) -> bool:
    """Whether a provider could be called at once. If not, the copy that the silent provider accepted is kept."""
    settled = settle_recipient(recipient, context)
    return settled.status is Status.QUEUED and settled.wait_until_ms is None


def _wait(recipient: Recipient, context: RetryContext) -> Recipient:
    """Let the recipient wait for the next round, for a provider that cannot be called now, or for a limit.

    If no provider is left, not even for later, the recipient is returned without a wait. The passing failure of a
    provider that a limit keeps from being called is forgotten: the end of the limit decides, and no round.
    """
    again = called_again(recipient, context.attempts)
    limited = limits.waited_for(recipient, context)
    names = {candidate.provider for candidate in limited}
    ends = [(_earliest_ms(candidate.until_ms, context), candidate.waited_for) for candidate in limited]
    recipient = replace(recipient, tried={name: t for name, t in recipient.tried.items() if name not in names})
    limits_only = True
    for candidate in context.dispatch_context.route if context.now_ms < context.retry_until_ms else ():
        if candidate.availability in (Availability.EXCLUDED, Availability.PAUSED) or candidate.provider in names:
            continue
        if candidate.provider in again:
            if recipient.round_ends_at_ms is None:
                recipient = replace(recipient, round_ends_at_ms=_round_end_ms(recipient, context))
            ends.append((min(recipient.round_ends_at_ms or 0, context.retry_until_ms), Waiting.ROUND))
            limits_only = False
        elif candidate.provider not in recipient.tried:
            until_ms = min(_earliest_ms(candidate.until_ms, context), context.retry_until_ms)
            ends.append((until_ms, candidate.waited_for))
            limits_only = False
    if not ends:
        return recipient
    if limits_only:
        recipient = limits.as_reason(recipient, limited)
    until_ms, waits_for = min(ends, key=itemgetter(0))
    return replace(recipient, wait_until_ms=min(until_ms, context.expires_at_ms), waits_for=waits_for)


def _earliest_ms(until_ms: int | None, context: RetryContext) -> int:
    return max(until_ms or 0, context.now_ms + SHORTEST_WAIT_MS)


def _round_end_ms(recipient: Recipient, context: RetryContext) -> int:
    """When the next round begins: at the retry deadline at the latest.

    It is the same for all recipients who share a call, because the next round could not carry them together otherwise.
    """
    wait_ms = ROUND_WAITS_MS[min(recipient.round, len(ROUND_WAITS_MS) - 1)]
    digest = hashlib.sha256(f"{context.email_id}\n{recipient.round}".encode()).digest()
    return min(context.now_ms + int(wait_ms * (1 - JITTER * digest[0] / 255)), context.retry_until_ms)


def _end_round(recipient: Recipient, context: RetryContext) -> Recipient:
    """The recipient in the next round, if that has begun. A wait that ends before that is no new round."""
    if recipient.round_ends_at_ms is None or context.now_ms < recipient.round_ends_at_ms:
        return recipient
    again = called_again(recipient, context.attempts)
    kept = {provider: is_transient for provider, is_transient in recipient.tried.items() if provider not in again}
    return replace(recipient, tried=kept, round=recipient.round + 1, round_ends_at_ms=None)


def _end_wait(recipient: Recipient, context: RetryContext) -> Recipient:
    if recipient.wait_until_ms is None or context.now_ms < recipient.wait_until_ms or not context.is_informed:
        return recipient
    if recipient.status is Status.SENT:
        return recipient  # the recipient of a critical email: `rescue` decides
    if recipient.status is Status.SCHEDULED:
        return replace(recipient, status=Status.QUEUED, wait_until_ms=None)
    if recipient.status is Status.QUEUED:
        is_over = context.now_ms >= context.expires_at_ms  # then what it waited for is the reason of its end
        recipient = recipient if is_over else limits.forgotten(recipient, context.attempts)
        return replace(recipient, wait_until_ms=None)
    return next_status(recipient)
