"""Keeps API keys to their rate limits, in all processes together."""

import logging
from dataclasses import dataclass, field
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from app.delivery.ports import Clock
from app.domain.rate import SECOND_US, Rate
from app.errors import RateLimited
from app.faults import log_fault

log = logging.getLogger(__name__)


class RateStore(Protocol):
    """Stores what keys have taken, by conditional writes."""

    def take_rate(
        self, key_id: str, cost_us: int, *, now_us: int, latest_us: int, beyond_us: int, is_busy: bool
    ) -> tuple[bool, int]:
        """Take what costs `cost_us`. Returns whether it was taken, and until when all is paid for now."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What a key may send, and what is left of it. `resets_in_s`: until all of it is there again."""

    per_s: int
    left: int
    resets_in_s: int


@dataclass(frozen=True)
class RateLimit:
    """Takes what a call costs before anything else is done for it. A store that does not answer lets all pass."""

    store: RateStore
    clock: Clock
    _paid_us: dict[str, int] = field(default_factory=dict, init=False)  # as this process knows it

    def __call__(self, key_id: str, per_s: int, count: int) -> tuple[Quota | None, RateLimited | None]:
        """Take `count` emails of a key that may send `per_s` a second.

        Returns what is left (None: nobody knows), and why the call must wait, if it must.
        """
        rate, now_us = Rate(per_s), int(self.clock() * SECOND_US)
        try:
            is_taken, paid_us = self.store.take_rate(
                key_id,
                rate.cost_us(count),
                now_us=now_us,
                latest_us=rate.latest_us(count, now_us),
                beyond_us=rate.beyond_us(now_us),
                is_busy=now_us < self._paid_us.get(key_id, 0) <= rate.beyond_us(now_us),
            )
        except (BotoCoreError, ClientError) as error:
            log_fault(log, "rate limit not counted", error, logging.WARNING, key_id=key_id[:12])
            return None, None
        self._paid_us[key_id] = paid_us
        quota = Quota(per_s, rate.left(paid_us, now_us), _seconds(paid_us - now_us))
        if is_taken:
            return quota, None
        wait_s = _seconds(paid_us - rate.latest_us(count, now_us))
        costs = f"; this call costs {count}" if count > 1 else ""
        return quota, RateLimited(f"this API key may send {per_s} emails a second{costs}", wait_s)


def _seconds(time_us: int) -> int:
    """Whole seconds, 1 at least."""
    return max(1, -(-time_us // SECOND_US))
