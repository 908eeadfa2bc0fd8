"""Repetition: a call with an unknown outcome is made again, at the same provider, under the same idempotency key.

A provider that documents such keys makes no second copy of the email. So a repetition comes before the wait for
evidence and before any other provider, whatever `on_uncertain` says.
"""

from collections.abc import Mapping
from dataclasses import replace

from app.domain.attempts import Attempt
from app.domain.email import OnUncertain
from app.domain.head import Head, Status
from app.domain.retry_context import RetryContext
from app.domain.route import Availability
from app.domain.states import AT_FAULT, PASSED

SAFETY_MARGIN_MS = 3_600_000  # a key that the provider may forget within an hour is not relied on


def plan_repetition(head: Head, number: int, key_known_for_ms: int, now_ms: int) -> Head:
    """The head with a repetition of attempt `number`, whose outcome was just found to be uncertain.

    A call is repeated once, and only while the provider surely knows its key. Otherwise the head is returned as it is.
    """
    attempt = head.made(number)
    is_first_call = not attempt.repeats and not head.is_repeated(number)
    if is_first_call and _is_key_known(attempt, key_known_for_ms, now_ms) and _is_needed(head, number):
        return replace(head, to_repeat=number)
    return head


def reconsider_repetition(head: Head, context: RetryContext, keys_known_for_ms: Mapping[str, int]) -> Head:
    """The head without its planned repetition if that is not needed, allowed or safe any more.

    Then `on_uncertain` decides. `keys_known_for_ms` is how long each provider promises to know an idempotency key. The
    key's age counts again when the repetition is claimed, because its message may have been lost for long.
    """
    number = head.to_repeat
    if not number:
        return head
    attempt = head.made(number)
    is_safe = _is_key_known(attempt, keys_known_for_ms.get(attempt.provider, 0), context.now_ms)
    if is_safe and _is_needed(head, number) and _is_allowed(head, number, context):
        return head
    dropped = replace(head, to_repeat=0)
    if head.on_uncertain is not OnUncertain.FAILOVER:
        return dropped
    recipients = {
        key: replace(recipient, wait_until_ms=context.now_ms)
        if recipient.attempt == number and recipient.status is Status.SENDING
        else recipient
        for key, recipient in head.recipients.items()
    }
    return replace(dropped, recipients=recipients)


def recipients_to_repeat(head: Head) -> tuple[str, ...]:
    """The keys of the recipients whose call is to be repeated. Their wait does not end before that."""
    return head.made(head.to_repeat).recipients if head.to_repeat else ()


def _is_key_known(attempt: Attempt, key_known_for_ms: int, now_ms: int) -> bool:
    """Whether the provider surely still knows the key of that attempt's call."""
    return now_ms < attempt.started_at_ms + key_known_for_ms - SAFETY_MARGIN_MS


def _is_needed(head: Head, number: int) -> bool:
    """Whether every recipient of the call still waits for evidence of it, and none of them is known to be at fault."""
    recipients = [head.recipients[key] for key in head.made(number).recipients]
    return all(
        recipient.status is Status.SENDING
        and recipient.wait_until_ms is not None
        and recipient.attempt == number
        and not any(recipient.attempts_with(fault, without=PASSED) for fault in AT_FAULT)
        for recipient in recipients
    )


def _is_allowed(head: Head, number: int, context: RetryContext) -> bool:
    """Whether this email may be sent at all: if the provider does not have it yet, the repetition sends it."""
    attempt = head.made(number)
    return (
        attempt.provider in context.dispatch_context.providers(Availability.AVAILABLE)
        and context.now_ms < context.expires_at_ms
        and context.stop is None
        and not context.dispatch_context.suppressed & set(attempt.recipients)
    )
