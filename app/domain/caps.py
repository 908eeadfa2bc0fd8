"""Caps: how many recipients an operator allows an account per day (UTC) and per second, and how a wait for one is told.

The places of a day or second are what its cap allows: a call takes one for each of its recipients.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from app.domain.lane import Lane

KEPT_SHARE: Final = 10  # one place of so many is kept free of bulk in each second
KEPT_FROM: Final = 5  # a cap below this is too small to keep a place free
OPEN_SECOND: Final = 10  # of so many seconds, nobody who is urgent books one ahead, so that the others get a chance
DAY_S: Final = 24 * 3600
DAY_MS: Final = DAY_S * 1000


@dataclass(frozen=True, slots=True)
class Caps:
    """How many recipients an operator allows an account per day (UTC) and per second. None: no limit."""

    daily: int | None = None
    per_second: int | None = None


class Limit(StrEnum):
    """Why an account that works is not called at the moment: it has reached a cap or its quota, or is paused."""

    DAILY_CAP = "daily_cap"
    PER_SECOND_CAP = "per_second_cap"
    PAUSE = "pause"
    QUOTA = "quota"  # the account's own, of a day or a month


@dataclass(frozen=True, slots=True)
class Full:
    """Why an account has no places for a call, in a sentence that names the account and its cap; and until when."""

    limit: Limit
    why: str
    until_ms: int


def full_day(account: str, cap: int, recipients: int, now_ms: int) -> Full:
    """Why a call to `recipients` people must wait until midnight (UTC): the day has too few places left."""
    midnight_ms = (now_ms // DAY_MS + 1) * DAY_MS
    fit = "" if recipients == 1 else f", too few places for a call to {recipients},"
    if recipients > cap:
        fit = f", into which a call to {recipients} never fits,"
    why = f"waits for the daily cap of {account} ({cap} recipients){fit} until {moment(midnight_ms)}"
    return Full(Limit.DAILY_CAP, why, midnight_ms)


def full_second(account: str, cap: int, until_ms: int) -> Full:
    """Why a call must wait until `until_ms`: the second has too few places left."""
    why = f"waits for the cap per second of {account} ({cap} recipients) until {moment(until_ms)}"
    return Full(Limit.PER_SECOND_CAP, why, until_ms)


def seconds_for(recipients: int, cap: int) -> int:
    """How many whole seconds a call to `recipients` people fills under `cap`, a cap per second."""
    return -(-recipients // cap)


def room(cap: int, lane: Lane, *, is_later: bool) -> int:
    """How many places of a second, of all lanes together, may be taken before a call of `lane` finds none left.

    A bulk call leaves a tenth of every second to the other lanes. A normal call leaves that tenth only in a second that
    has not begun (`is_later`): in the present second, urgent emails have had their chance to book it.
    """
    if lane is Lane.URGENT or (lane is Lane.NORMAL and not is_later) or cap < KEPT_FROM:
        return cap
    return cap - -(-cap // KEPT_SHARE)


def may_book(second: int, lane: Lane, *, is_later: bool) -> bool:
    """Whether a call of this lane may book that second: urgent emails leave one in ten to whoever comes first."""
    return not (is_later and lane is Lane.URGENT and second % OPEN_SECOND == 0)


def turns_a_second(cap: int, lane: Lane) -> int:
    """How many places are promised to a lane as turns per second, each lane counting its own.

    That is a quarter more than there are, so that late workers waste none.
    """
    return -(-room(cap, lane, is_later=False) * 5 // 4)


def moment(at_ms: int) -> str:
    """A time as a sentence tells it, in UTC and to the second."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
