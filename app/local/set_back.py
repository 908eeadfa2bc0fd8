"""Corrects stored times after the clock was set back: by that clock, each of them would come too late.

A time is brought forward by as much as the clock was set back, if it lies further ahead than half of that. A nearer one
was written after the clock was set.
"""

from dataclasses import replace

from app.domain.head import Head, Recipient, Status
from app.domain.health import Health


def bring_forward(head: Head, by_ms: int, now_ms: int) -> Head:
    """The head with its lease and its waits brought forward. Returns the same head if nothing is."""
    recipients = {key: _recipient(recipient, by_ms, now_ms) for key, recipient in head.recipients.items()}
    return replace(
        head,
        recipients=recipients,
        lease_until_ms=_earlier(head.lease_until_ms, by_ms, now_ms),
        turn_ms=_earlier(head.turn_ms, by_ms, now_ms),
    )


def bring_health_forward(health: Health, by_ms: int, now_ms: int) -> Health:
    """The health with its breaker, cooldown and probe ending earlier by `by_ms`, where they end too late.

    Returns the same health if none does.
    """
    changed = replace(
        health,
        breaker_until_ms=_earlier(health.breaker_until_ms, by_ms, now_ms),
        cooldown_until_ms=_earlier(health.cooldown_until_ms, by_ms, now_ms),
        probe_until_ms=_earlier(health.probe_until_ms, by_ms, now_ms),
    )
    return health if changed == health else changed


def _recipient(recipient: Recipient, by_ms: int, now_ms: int) -> Recipient:
    if recipient.status is Status.SCHEDULED:
        return recipient  # the client has named that time, by whatever clock
    return replace(
        recipient,
        wait_until_ms=_earlier(recipient.wait_until_ms, by_ms, now_ms),
        round_ends_at_ms=_earlier(recipient.round_ends_at_ms, by_ms, now_ms),
    )


def _earlier(at_ms: int | None, by_ms: int, now_ms: int) -> int | None:
    return at_ms if at_ms is None or at_ms <= now_ms + by_ms // 2 else at_ms - by_ms
