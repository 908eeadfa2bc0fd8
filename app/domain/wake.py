"""Waking: after an operator has resumed a provider, the emails that wait for it are tried within a minute."""

import zlib
from dataclasses import replace

from app.domain.head import Head, Recipient, Status
from app.domain.unknown_calls import called_again

SPREAD_OVER_MS = 60_000  # so that not all of them call the provider in the same second


def wake(head: Head, provider: str, resumed_at_ms: int, now_ms: int) -> Head:
    """The head whose queued recipients no longer wait for `provider`, which was resumed at `resumed_at_ms`.

    Its passing failure of before that is forgotten, and no round is counted. Whoever waits for evidence goes on
    waiting, and so does whoever may not be sent through this provider, or was refused there. Returns the same head if
    nobody is woken.
    """
    if not head.may_use(provider):
        return head
    if any(attempt.provider == provider and attempt.started_at_ms > resumed_at_ms for attempt in head.attempts):
        return head  # it has been tried since
    until_ms = now_ms + zlib.crc32(head.email_id.encode()) % SPREAD_OVER_MS
    woken = {
        key: replace(
            recipient,
            wait_until_ms=until_ms,
            tried={name: passing for name, passing in recipient.tried.items() if name != provider},
        )
        for key, recipient in head.recipients.items()
        if _waits_for(head, recipient, provider, until_ms)
    }
    return replace(head, recipients={**head.recipients, **woken}) if woken else head


def _waits_for(head: Head, recipient: Recipient, provider: str, until_ms: int) -> bool:
    is_waiting = recipient.status is Status.QUEUED and recipient.wait_until_ms is not None
    may_be_called = provider not in recipient.tried or provider in called_again(recipient, head.attempts)
    return is_waiting and may_be_called and (recipient.wait_until_ms or 0) > until_ms
