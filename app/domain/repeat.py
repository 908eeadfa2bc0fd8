"""Repeating a call: the same provider, the same bytes, the same idempotency key, after an outcome that nobody knows.

A provider that documents such keys makes no second copy of it, so a repetition comes before the wait for evidence and
before any other provider, whatever `on_uncertain` says.
"""

from dataclasses import replace

from app.domain.email import OnUncertain
from app.domain.head import Fact, Head, Status
from app.domain.rounds import Terms
from app.domain.standing import State

MARGIN_MS = 3_600_000  # a key that the provider is about to forget is not relied on


def planned(head: Head, number: int, known_for_ms: int, now_ms: int) -> Head:
    """The head with attempt `number`, found uncertain just now, to be repeated: once, and while its key is known."""
    attempt = head.attempts[number - 1]
    is_known = now_ms < attempt.started_at_ms + known_for_ms - MARGIN_MS
    is_first = not attempt.repeats and not head.is_repeated(number)
    return replace(head, to_repeat=number) if is_known and is_first and _is_open(head, number) else head


def reconsidered(head: Head, terms: Terms) -> Head:
    """The head without its planned repetition if that is pointless or forbidden; then `on_uncertain` decides."""
    number = head.to_repeat
    if not number or (_is_open(head, number) and _is_allowed(head, number, terms)):
        return head
    dropped = replace(head, to_repeat=0)
    if head.on_uncertain is not OnUncertain.FAILOVER:
        return dropped
    people = {
        key: replace(recipient, wait_until_ms=terms.now_ms)
        if recipient.attempt == number and recipient.status is Status.SENDING
        else recipient
        for key, recipient in head.recipients.items()
    }
    return replace(dropped, recipients=people)


def carried(head: Head) -> tuple[str, ...]:
    """Whose wait does not end, however long it takes, because their call is to be repeated."""
    return head.attempts[head.to_repeat - 1].recipients if head.to_repeat else ()


def _is_open(head: Head, number: int) -> bool:
    """Does everybody whom the call carried still wait for evidence of it, and is nobody known to be at fault?"""
    people = [head.recipients[key] for key in head.attempts[number - 1].recipients]
    return all(
        recipient.status is Status.SENDING
        and recipient.wait_until_ms is not None
        and recipient.attempt == number
        and not recipient.attempts_with(Fact.DEAD)
        and not recipient.attempts_with(Fact.LISTED)
        for recipient in people
    )


def _is_allowed(head: Head, number: int, terms: Terms) -> bool:
    """May it be sent at all? If the provider has not got it, this call sends it."""
    attempt = head.attempts[number - 1]
    return (
        attempt.provider in terms.around.providers(State.IN)
        and terms.now_ms < terms.expires_at_ms
        and not terms.around.superseded
        and not terms.around.suppressed & set(attempt.recipients)
    )
