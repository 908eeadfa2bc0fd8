"""Caps: how many recipients an operator allows an account per day (UTC) and per second, and how a wait for one is told.

The places of a day or second are what its cap allows: a call takes one for each of its recipients.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

DAY_S: Final = 24 * 3600
DAY_MS: Final = DAY_S * 1000


@dataclass(frozen=True, slots=True)
class Caps:
    """How many recipients an operator allows an account per day (UTC) and per second. None: no limit."""

    daily: int | None = None
    per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Full:
    """Why an account has no places for a call, in a sentence that names the account and its cap; and until when."""

    why: str
    until_ms: int


def full_day(account: str, cap: int, recipients: int, now_ms: int) -> Full:
    """What a call for so many recipients is told when the places that are left of the day are too few for it."""
    midnight_ms = (now_ms // DAY_MS + 1) * DAY_MS
    fit = "" if recipients == 1 else f", too few places for a call to {recipients},"
    return Full(
        f"waits for the daily cap of {account} ({cap} recipients){fit} until {moment(midnight_ms)}", midnight_ms
    )


def moment(at_ms: int) -> str:
    """A time as a sentence tells it, in UTC and to the second."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
