"""Waiting for limits: a cap, a pause, or the account's own quota. Such a wait ends with the limit, or at `expires_at`.

Only waiting for providers that are down runs against the retry deadline, so that is put off while somebody waits for
nothing else than limits.
"""

from collections.abc import Sequence
from dataclasses import replace

from app.domain.attempts import Attempt
from app.domain.caps import Limit
from app.domain.head import Head, Recipient, Status
from app.domain.kinds import Cause, Kind
from app.domain.outcome import shorten
from app.domain.retry_context import RetryContext
from app.domain.route import PAUSE_CHECK_MS, Availability, Candidate
from app.domain.unknown_calls import called_again

SECOND_CHECK_MS = 1000  # whoever found no place of a second looks again after this long


def waited_for(recipient: Recipient, context: RetryContext) -> list[Candidate]:
    """The candidates whose limit keeps them from being called for this recipient now.

    A provider that has just told this recipient that its quota is used up is one of them, whatever its health is said
    to be: that may have been read before. So is one that was not called, because the second of the call was over.
    """
    again = called_again(recipient, context.attempts)
    found = []
    for candidate in context.dispatch_context.route:
        name = candidate.provider
        if candidate.availability is Availability.PAUSED and (name not in recipient.tried or name in again):
            found.append(candidate)
        elif name in again and candidate.availability is not Availability.EXCLUDED:
            found += _limit_met_by_attempt(recipient, context, name)
    return found


def as_reason(recipient: Recipient, limited: Sequence[Candidate]) -> Recipient:
    """The recipient with the limits that it waits for as its reason."""
    return replace(recipient, cause=Cause.LIMIT, detail=shorten("; ".join(map(_sentence, limited))))


def _sentence(limited: Candidate) -> str:
    if limited.why.startswith("waits for"):
        return limited.why
    return f"waits for {limited.provider}, {limited.why}"


def forgotten(recipient: Recipient, attempts: Sequence[Attempt]) -> Recipient:
    """The recipient whose wait has ended: what it waited for is not its reason any more, but what was answered is."""
    if recipient.cause is not Cause.LIMIT:
        return recipient
    answered = [
        attempt
        for attempt in attempts
        if recipient.key in attempt.recipients and attempt.outcome not in (None, Kind.ACCEPTED)
    ]
    cause, detail = (answered[-1].cause, answered[-1].reply) if answered else (None, "")
    return replace(recipient, cause=cause, detail=detail)


def expired(recipient: Recipient) -> str:
    """What a recipient is told whose time is over."""
    if recipient.cause is Cause.LIMIT:
        return shorten(f"not sent before expires_at: {recipient.detail}")
    return recipient.detail or "not sent before expires_at"


def is_waited_for(head: Head) -> bool:
    """Whether a recipient of the email waits for limits."""
    return any(
        recipient.status is Status.QUEUED and recipient.cause is Cause.LIMIT and recipient.wait_until_ms is not None
        for recipient in head.recipients.values()
    )


def put_off(head: Head, now_ms: int) -> Head:
    """The head whose retry deadline is put off by the time for which somebody has waited for limits only."""
    if head.limited_since_ms is None:
        return head
    waited_ms = max(0, now_ms - head.limited_since_ms)
    return replace(head, retry_until_ms=head.retry_until_ms + waited_ms, limited_since_ms=now_ms)


def noted(head: Head, context: RetryContext) -> Head:
    """The head that knows since when one of its recipients has waited for limits only, if one does."""
    is_limited = any(_waits_for_limits_only(recipient, context) for recipient in head.recipients.values())
    since_ms = context.now_ms if is_limited else None
    return head if since_ms == head.limited_since_ms else replace(head, limited_since_ms=since_ms)


def _waits_for_limits_only(recipient: Recipient, context: RetryContext) -> bool:
    if recipient.status is not Status.QUEUED or recipient.wait_until_ms is None:
        return False
    names = {candidate.provider for candidate in waited_for(recipient, context)}
    again = called_again(recipient, context.attempts) if context.now_ms < context.retry_until_ms else frozenset()
    others = [
        candidate
        for candidate in context.dispatch_context.route
        if candidate.availability is not Availability.EXCLUDED
        and candidate.provider not in names
        and (candidate.provider not in recipient.tried or candidate.provider in again)
    ]
    return bool(names) and not others


def _limit_met_by_attempt(recipient: Recipient, context: RetryContext, provider: str) -> list[Candidate]:
    """The provider, paused by the limit that the recipient's last attempt has met there; none if it met none."""
    attempt = next((one for one in context.attempts if one.number == recipient.attempt), None)
    if recipient.cause is not Cause.LIMIT or attempt is None or attempt.provider != provider:
        return []
    if attempt.status_code is None:  # no call was made
        why = f"waits for the cap per second of {provider}: {recipient.detail}"
        until_ms = context.now_ms + SECOND_CHECK_MS
        return [Candidate(provider, Availability.PAUSED, why, until_ms, limit=Limit.PER_SECOND_CAP)]
    why = f"waits for the quota of {provider}, which is used up: {recipient.detail}"
    until_ms = context.now_ms + PAUSE_CHECK_MS
    return [Candidate(provider, Availability.PAUSED, why, until_ms, limit=Limit.QUOTA)]
