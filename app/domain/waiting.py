"""What a recipient waits for, in one word each."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.domain.caps import Limit


class Waiting(StrEnum):
    """What ends the wait of a recipient first."""

    ROUND = "round"  # every provider that may be called has been, and the next round calls them again
    EVIDENCE = "evidence"  # a webhook that tells what became of a copy
    BREAKER = "breaker"  # the open breaker of an account
    COOLDOWN = "cooldown"  # an account has throttled us
    CAP = "cap"  # of a day or a second, or the account's own quota
    PAUSED = "paused"  # by an operator, or by PROVIDERS, which has the account no more
    SCHEDULE = "schedule"  # the time for which it was sent


OF_LIMIT: Final[Mapping[Limit, Waiting]] = MappingProxyType(
    {
        Limit.DAILY_CAP: Waiting.CAP,
        Limit.PER_SECOND_CAP: Waiting.CAP,
        Limit.QUOTA: Waiting.CAP,
        Limit.PAUSE: Waiting.PAUSED,
    }
)
"""What an email waits for that waits for a limit."""
