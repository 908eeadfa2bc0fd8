"""Places: what one process has taken of the accounts' caps. No call is made through an account with a cap without them.

A process that makes many calls takes places of the day ahead, a block at a time, so that the item of the day is not
written for each call. What a process had taken ahead when it died is lost to that day, and is never counted twice.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from app.delivery.ports import Clock, PlaceStore
from app.domain.caps import DAY_S, Caps, Full, full_day

BLOCK_LASTS_S = 10.0  # a process that uses a block up sooner takes a larger one next
LARGEST_BLOCK = 100
BLOCK_SHARE = 100  # a block is at most one part in so many of the cap, so that little is lost with a process


@dataclass(frozen=True, slots=True)
class Ticket:
    """The places that one call holds. `day` is that of the Unix epoch (UTC); None: the account has no daily cap."""

    account: str
    recipients: int
    day: int | None


@dataclass(slots=True)
class _Block:
    """The places of one day that this process has taken and not used."""

    day: int
    free: int = 0
    ahead: int = 0  # how many places more than it needed it took last
    taken_at_s: float | None = None


class PlaceTaker:
    """Takes places for calls. Safe to share between threads."""

    def __init__(self, store: PlaceStore, caps: Mapping[str, Caps], clock: Clock) -> None:
        self._store = store
        self._caps = {account: cap for account, cap in caps.items() if cap != Caps()}
        self._clock = clock
        self._blocks: dict[str, _Block] = {}
        self._locks = {account: threading.Lock() for account in self._caps}

    def left_today(self) -> dict[str, int]:
        """How many places are left of today (UTC) for a call of this process, at each account with a daily cap."""
        day = int(self._clock()) // DAY_S
        return {
            account: cap.daily - self._store.taken(account, day) + self._free(account, day)
            for account, cap in self._caps.items()
            if cap.daily is not None
        }

    def take(self, account: str, recipients: int) -> Ticket | Full:
        """Take a place for each recipient of a call, under every cap of the account, or none."""
        cap = self._caps.get(account, Caps())
        now_s = self._clock()
        if cap.per_second is not None and not self._store.reserve_second(
            account, int(now_s), cap.per_second, recipients, now_s
        ):
            return Full(
                f"waits for the cap of {account} per second ({cap.per_second} recipients)", int(now_s + 1) * 1000
            )
        if cap.daily is None:
            return Ticket(account, recipients, None)
        day = int(now_s) // DAY_S
        if not self._take_day(account, day, recipients, cap.daily):
            return full_day(account, cap.daily, recipients, int(now_s * 1000))
        return Ticket(account, recipients, day)

    def give_back(self, ticket: Ticket, count: int | None = None) -> None:
        """Give back `count` places (default: all) of a call that surely sent nothing to so many of its recipients."""
        count = ticket.recipients if count is None else count
        if ticket.day is not None and count:
            self._store.give_back(ticket.account, ticket.day, count)

    def _take_day(self, account: str, day: int, count: int, cap: int) -> bool:
        with self._locks[account]:
            block = self._blocks.get(account)
            if block is None or block.day != day:
                block = self._blocks[account] = _Block(day)
            if block.free < count:
                self._extend(account, block, count - block.free, cap)
            if block.free < count:
                return False
            block.free -= count
            return True

    def _extend(self, account: str, block: _Block, needed: int, cap: int) -> None:
        """Add `needed` places to the block, and more if the last block was used up quickly."""
        now_s = self._clock()
        is_busy = block.taken_at_s is not None and now_s - block.taken_at_s < BLOCK_LASTS_S
        ahead = min(max(1, block.ahead * 2), LARGEST_BLOCK, cap // BLOCK_SHARE) if is_busy else 0
        for extra in dict.fromkeys((ahead, 0)):  # when little is left, nobody takes more than he needs
            if self._store.take(account, block.day, needed + extra, cap, now_s):
                block.free += needed + extra
                block.ahead, block.taken_at_s = extra, now_s
                return

    def _free(self, account: str, day: int) -> int:
        block = self._blocks.get(account)
        return block.free if block is not None and block.day == day else 0
