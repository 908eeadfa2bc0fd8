"""Places: what one process has taken of the accounts' caps. No call is made through an account with a cap without them.

A process that makes many calls takes places of the day ahead, a block at a time, so that the item of the day is not
written for each call. What a process had taken ahead when it died is lost to that day, and is never counted twice.

A place of a second is of the second in which the call begins. Whoever comes in its turn may also book the next second
and waits for it. The one after that is left to urgent emails, and to calls for more than half of the cap, which find it
empty unless urgent ones were there. How much of a second each lane may fill, `app.domain.caps` says.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.delivery.ports import Clock, PlaceStore
from app.domain.caps import (
    DAY_MS,
    DAY_S,
    Caps,
    Full,
    Limit,
    full_day,
    full_second,
    may_book,
    room,
    seconds_for,
    turns_a_second,
)
from app.domain.lane import Lane

BLOCK_LASTS_S = 10.0  # a process that uses a block up sooner takes a larger one next
LARGEST_BLOCK = 100
BLOCK_SHARE = 100  # a block is at most the cap divided by this, so that little is lost with a process
ENDS_EARLY_S = 0.1  # this long before its end a second is not booked any more, so that the call begins within it
FURTHEST_S = 2  # nobody books a second that begins later than this
LATE_FOR_S = 5  # how long a worker whose second is over looks for another one, before it gives the call up


@dataclass(frozen=True, slots=True)
class Ticket:
    """The places that one call holds: of a day (of the Unix epoch, UTC), and of the seconds from `second` to `until_s`.

    None: the account has no such cap.
    """

    account: str
    recipients: int
    day: int | None
    second: int | None = None
    until_s: int | None = None
    lane: Lane = Lane.NORMAL

    def is_current(self, now_s: float) -> bool:
        """Whether a call that begins now is one that the places are for."""
        is_today = self.day is None or self.day == int(now_s) // DAY_S
        return is_today and (self.until_s is None or now_s < self.until_s)


@dataclass(slots=True)
class _Block:
    """The places of one day that this process has taken and not used."""

    day: int
    free: int = 0
    ahead: int = 0  # how many places more than it needed it took last
    taken_at_s: float | None = None


class PlaceTaker:
    """Takes places for calls. Safe to share between threads. `wait` lets a number of seconds pass."""

    def __init__(
        self,
        store: PlaceStore,
        caps: Mapping[str, Caps],
        clock: Clock,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._caps = {account: cap for account, cap in caps.items() if cap != Caps()}
        self._clock = clock
        self._wait = wait
        self._blocks: dict[str, _Block] = {}
        self._locks = {account: threading.Lock() for account in self._caps}
        # The second in which an account had no place left for a lane, in that second itself, or before it had begun.
        self._full: dict[tuple[str, Lane, bool], int] = {}

    def left_today(self) -> dict[str, int]:
        """How many places are left of today (UTC) for a call of this process, at each account with a daily cap."""
        day = int(self._clock()) // DAY_S
        return {
            account: cap.daily - self._store.taken(account, day) + self._free(account, day)
            for account, cap in self._caps.items()
            if cap.daily is not None
        }

    def take(
        self,
        account: str,
        recipients: int,
        *,
        ahead: bool = False,
        has_turn: bool = False,
        lane: Lane = Lane.NORMAL,
    ) -> Ticket | Full:
        """Take a place for each recipient of a call, under every cap of the account, or none.

        With `ahead`, a call that finds no place in this second may book places of a later one, and then waits for it:
        the next second if the call has its turn, the one after that if it is urgent or takes more than half of the cap.
        """
        cap = self._caps.get(account, Caps())
        second = until_s = None
        if cap.per_second is not None:
            second = self._book(account, recipients, cap.per_second, ahead=ahead, has_turn=has_turn, lane=lane)
            if second is None:
                return full_second(account, cap.per_second, int(self._clock() + 1) * 1000)
            until_s = second + seconds_for(recipients, cap.per_second)
            self._wait(max(0.0, second - self._clock()))
        if cap.daily is None:
            return Ticket(account, recipients, None, second, until_s, lane)
        day = int(self._clock()) // DAY_S
        if not self._take_day(account, day, recipients, cap.daily):
            return full_day(account, cap.daily, recipients, int(self._clock() * 1000))
        return Ticket(account, recipients, day, second, until_s, lane)

    def renew(self, ticket: Ticket) -> Ticket | None:
        """The ticket, or another one if its second or its day is over. None: there was no place for a while."""
        found: Ticket | Full = ticket
        for _ in range(LATE_FOR_S):
            if isinstance(found, Ticket) and found.is_current(self._clock()):
                return found
            if isinstance(found, Ticket):
                self.give_back(found)
            elif found.limit is Limit.PER_SECOND_CAP:
                self._wait(max(0.0, found.until_ms / 1000 - self._clock()))
            else:
                return None
            found = self.take(ticket.account, ticket.recipients, ahead=True, has_turn=True, lane=ticket.lane)
        if isinstance(found, Ticket):
            self.give_back(found)
        return None

    def turn(self, accounts: Mapping[str, int], known_ms: int | None, lane: Lane = Lane.NORMAL) -> dict[str, Full]:
        """When an email is tried again that found no place of a second at any of `accounts`: what each account says.

        Each lane has turns of its own: nobody who is urgent queues up behind bulk.

        `accounts` maps each to the number of recipients who found no place there. The time is `known_ms` if the email
        has its turn already; else it gets a turn at the account where that comes first.
        """
        caps = {account: self._caps[account].per_second or 1 for account in accounts}
        if known_ms is None:
            first = int(self._clock()) + 1
            turns = {account: turns_a_second(cap, lane) for account, cap in caps.items()}
            account, *others = accounts
            if others:
                account = min(accounts, key=lambda one: self._store.next_turn(one, turns[one], lane))
            known_ms = self._store.turn(account, accounts[account], turns[account], first, lane) * 1000
        return {account: full_second(account, cap, known_ms) for account, cap in caps.items()}

    def count_late(self, account: str, at_ms: int) -> None:
        """Count a recipient of a call at `at_ms` whose place was given back, and who got the email all the same."""
        if self._caps.get(account, Caps()).daily is not None:
            self._store.add(account, at_ms // DAY_MS, 1, self._clock())

    def give_back(self, ticket: Ticket, count: int | None = None) -> None:
        """Give back `count` places of the day (default: all) of a call that surely sent nothing to as many recipients.

        Places of a second are not given back: the provider has counted the call all the same.
        """
        count = ticket.recipients if count is None else count
        if ticket.day is not None and count:
            self._store.give_back(ticket.account, ticket.day, count)

    def _book(self, account: str, recipients: int, cap: int, *, ahead: bool, has_turn: bool, lane: Lane) -> int | None:
        """Book a second for a call to `recipients` people, and return it. None: no second that it may have is free."""
        now_s = self._clock()
        first = last = int(now_s + ENDS_EARLY_S)
        is_large = recipients > 1 and recipients * 2 > cap
        if ahead and (is_large or lane is Lane.URGENT):
            last = int(now_s) + FURTHEST_S
        elif ahead and has_turn:
            last = min(first + 1, int(now_s) + FURTHEST_S)
        for second in range(first, last + 1):
            is_later = second > first
            if self._full.get((account, lane, is_later)) == second or not may_book(second, lane, is_later=is_later):
                continue
            if self._store.book(account, second, recipients, cap, room(cap, lane, is_later=is_later)):
                return second
            if recipients == 1:
                self._full[account, lane, is_later] = second
        return None

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
