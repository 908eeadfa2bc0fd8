"""Rounds and rescue: what becomes of a recipient when no provider can be called, or when its wait has ended.

A round ends when every available provider has been called. If one of them failed for a transient reason, or one is
unavailable for now, the recipient waits, and the next round calls only those providers, until `retry_until_ms`. Nothing
is sent after `expires_at_ms`.

A rescue sends a critical email again that a provider accepted before it fell silent.
"""

import hashlib
from dataclasses import dataclass, replace

from app.domain.dispatch import DispatchContext
from app.domain.email import OnUncertain
from app.domain.head import Evidence, Head, Recipient, Status
from app.domain.health import SILENT_AFTER_MS
from app.domain.kinds import Cause
from app.domain.resolution import give_up_silent_copy, next_status, stop_trying
from app.domain.route import Availability

# Minutes between rounds; the last one repeats.
ROUND_WAITS_MS = tuple(minutes * 60_000 for minutes in (1, 2, 5, 10, 30))
# A wait is shortened by up to this share, so that emails that wait for the same outage do not all return at once.
JITTER = 0.25
SHORTEST_WAIT_MS = 1000  # a wait for an unavailable provider is never shorter than this
WATCHED_FOR_QUARTERS = 8  # how often, SILENT_AFTER_MS apart, a sent recipient of a critical email is checked
ON_OUR_LIST = "on our suppression list"


@dataclass(frozen=True, slots=True)
class RetryContext:
    """What decides about a recipient's waits beside the recipient itself: the email's limits, the context, the time."""

    email_id: str
    on_uncertain: OnUncertain
    expires_at_ms: int
    retry_until_ms: int
    dispatch_context: DispatchContext
    now_ms: int

    @classmethod
    def of(cls, head: Head, dispatch_context: DispatchContext, now_ms: int) -> "RetryContext":
        """The retry context of `head`."""
        return cls(head.email_id, head.on_uncertain, head.expires_at_ms, head.retry_until_ms, dispatch_context, now_ms)

    @property
    def available_providers(self) -> tuple[str, ...]:
        """The providers that may be called now.

        After `retry_until_ms`, these include those that are unavailable for now, as the last round calls these too.
        """
        available = self.dispatch_context.providers(Availability.AVAILABLE)
        if self.now_ms < self.retry_until_ms:
            return available
        return available + self.dispatch_context.providers(Availability.UNAVAILABLE_FOR_NOW)


def settle_recipient(recipient: Recipient, context: RetryContext) -> Recipient:
    """The recipient after a wait that is over has ended.

    A queued recipient then stays queued if a provider may be called now, waits for the next round, or gets its final
    status.
    """
    recipient = _end_wait(recipient, context)
    if recipient.status is not Status.QUEUED:
        return recipient
    if context.dispatch_context.superseded:
        return stop_trying(recipient, Status.CANCELED, detail="superseded by a newer email")
    if recipient.key in context.dispatch_context.suppressed:
        return stop_trying(recipient, Status.SUPPRESSED, cause=Cause.RECIPIENT, detail=ON_OUR_LIST)
    if recipient.wait_until_ms is not None:
        return recipient
    if context.now_ms >= context.expires_at_ms:
        return stop_trying(recipient, Status.EXPIRED, detail=recipient.detail or "not sent before expires_at")
    if any(provider not in recipient.tried for provider in context.available_providers):
        return recipient
    next_round_at_ms = _next_round_at_ms(recipient, context)
    if next_round_at_ms is not None and context.now_ms < context.retry_until_ms:
        until_ms = min(next_round_at_ms, context.retry_until_ms, context.expires_at_ms)
        return replace(recipient, wait_until_ms=until_ms)
    not_excluded = (Availability.AVAILABLE, Availability.UNAVAILABLE_FOR_NOW, Availability.PAUSED)
    if not context.dispatch_context.providers(*not_excluded):
        return stop_trying(recipient, Status.FAILED, detail="no provider may carry this email")
    return stop_trying(recipient, Status.FAILED)


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
    if recipient.wait_until_ms is not None and context.now_ms < recipient.wait_until_ms:
        return recipient
    attempt = head.attempts[recipient.attempt - 1]
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


def _next_round_at_ms(recipient: Recipient, context: RetryContext) -> int | None:
    """When to try again: after a round's wait, or when an unavailable provider opens. None: no provider is left."""
    times_ms = []
    for candidate in context.dispatch_context.route:
        if candidate.availability is Availability.EXCLUDED:
            continue
        if recipient.tried.get(candidate.provider):
            times_ms.append(_round_end_ms(recipient, context))
        elif candidate.provider not in recipient.tried:
            times_ms.append(max(candidate.until_ms or 0, context.now_ms + SHORTEST_WAIT_MS))
    return min(times_ms, default=None)


def _round_end_ms(recipient: Recipient, context: RetryContext) -> int:
    """When the next round starts. The caller replaces it by a deadline that comes sooner."""
    wait_ms = ROUND_WAITS_MS[min(recipient.round, len(ROUND_WAITS_MS) - 1)]
    digest = hashlib.sha256(f"{context.email_id}\n{recipient.key}\n{recipient.round}".encode()).digest()
    return context.now_ms + int(wait_ms * (1 - JITTER * digest[0] / 255))


def _end_wait(recipient: Recipient, context: RetryContext) -> Recipient:
    if recipient.wait_until_ms is None or context.now_ms < recipient.wait_until_ms:
        return recipient
    if recipient.status is Status.SENT:
        return recipient  # the recipient of a critical email: `rescue` decides
    if recipient.status is Status.QUEUED:
        failed_for_good = {provider: False for provider, transient in recipient.tried.items() if not transient}
        # A wait for an unavailable provider alone is not counted as a round.
        rounds = recipient.round + (failed_for_good != recipient.tried)
        return replace(recipient, wait_until_ms=None, tried=failed_for_good, round=rounds)
    recipient = next_status(recipient)
    if recipient.status is Status.QUEUED and context.on_uncertain is OnUncertain.FAIL:
        return stop_trying(recipient, Status.FAILED)
    return recipient
