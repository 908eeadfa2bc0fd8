"""The stores of a simulated installation: dictionaries that answer at once, and are written by one at a time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from heapq import nsmallest

from app.domain.calls import NO_CALLS, Calls
from app.domain.caps import seconds_for
from app.domain.counts import Sums
from app.domain.due import entry_ms
from app.domain.head import Head
from app.domain.health import Health
from app.domain.lane import Lane
from app.domain.suppression import Entry, Suppression


class Heads:
    """The heads of the emails that are not done yet. An email is done when nothing of it is due any more."""

    def __init__(self) -> None:
        self.open: dict[str, Head] = {}

    def put(self, head: Head, now_ms: int) -> bool:
        """Store the head, or forget it if it is done. Returns whether it is done."""
        due_ms = entry_ms(head, now_ms)
        if due_ms is None:
            self.open.pop(head.email_id, None)
            return True
        self.open[head.email_id] = replace(head, due_entry_ms=due_ms, version=head.version + 1)
        return False

    def get(self, email_id: str) -> Head | None:
        """The head of an email that is not done. None: it is done."""
        return self.open.get(email_id)

    def due(self, now_ms: int, limit: int, after: tuple[int, str]) -> list[tuple[int, str]]:
        """The positions, time in ms and id, of emails that are due, longest due first, behind `after`."""
        found = ((head.due_entry_ms or 0, email_id) for email_id, head in self.open.items())
        return nsmallest(limit, (position for position in found if position[0] <= now_ms and position > after))


class Healths:
    """The accounts' health and the counts of their calls, as `app.delivery.ports.HealthStore`."""

    def __init__(self) -> None:
        self.known: dict[str, Health] = {}
        self.counts: dict[tuple[str, int, int], Sums] = defaultdict(Sums)
        self.judged: set[tuple[str, int, int]] = set()

    def get(self, provider: str) -> Health:
        """An account's health."""
        return self.known.get(provider, Health(provider))

    def get_many(self, providers: Iterable[str]) -> dict[str, Health]:
        """The health of several accounts by name."""
        return {name: self.get(name) for name in providers}

    def update(self, health: Health) -> Health | None:
        """Replace the health that `health` was read from. None: it has been written since."""
        if self.get(health.provider).version != health.version:
            return None
        self.known[health.provider] = replace(health, version=health.version + 1)
        return self.known[health.provider]

    def add_minute(
        self,
        provider: str,
        epoch: int,
        minute: int,
        sums: Sums,
        now_s: float,  # noqa: ARG002
        calls: Calls = NO_CALLS,  # noqa: ARG002 because only an operator looks at them
    ) -> Sums:
        """Add to the counts of a minute. Returns the new counts."""
        self.counts[provider, epoch, minute] += sums
        return self.counts[provider, epoch, minute]

    def mark_judged(self, provider: str, epoch: int, minute: int) -> bool:
        """Mark a minute as judged. False: it was before."""
        key = (provider, epoch, minute)
        is_new = key not in self.judged
        self.judged.add(key)
        return is_new

    def minutes(self, provider: str, epoch: int, first: int, last: int) -> Sums:
        """The counts of these minutes, both included, added up."""
        return sum((self.counts.get((provider, epoch, minute), Sums()) for minute in range(first, last + 1)), Sums())

    def newest_minutes(self, provider: str, epoch: int, first: int, last: int) -> Iterator[tuple[int, Sums]]:
        """Each of these minutes that has counts, newest first."""
        for minute in range(last, first - 1, -1):
            if (provider, epoch, minute) in self.counts:
                yield minute, self.counts[provider, epoch, minute]


class Places:
    """The places of seconds that are taken, and the turns that are given, as `app.delivery.ports.PlaceStore`.

    Daily caps are not simulated: their places are endless.
    """

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, int], int] = defaultdict(int)
        self.turns: dict[tuple[str, int, Lane], int] = defaultdict(int)

    def taken(self, account: str, day: int) -> int:  # noqa: ARG002
        """No place of a day is taken."""
        return 0

    def take(self, account: str, day: int, count: int, cap: int, now_s: float) -> bool:  # noqa: ARG002
        """There is always a place of a day."""
        return True

    def give_back(self, account: str, day: int, count: int) -> None:
        """Nothing is kept of days."""

    def add(self, account: str, day: int, count: int, now_s: float) -> None:
        """Nothing is kept of days."""

    def book(self, account: str, second: int, count: int, cap: int, room: int | None = None) -> bool:
        """Take places of that second. Returns False if fewer are left under `room`, or under `cap` without one."""
        if seconds_for(count, cap) > 1:
            raise NotImplementedError("the simulated emails have one recipient each")
        if self.seconds[account, second] + count > (cap if room is None else room):
            return False
        self.seconds[account, second] += count
        return True

    def turn(self, account: str, count: int, a_second: int, first: int, lane: Lane = Lane.NORMAL) -> int:
        """Give out the lane's next turn, and return its second, which is `first` or later."""
        taken = max(self.turns[account, a_second, lane], first * a_second)
        self.turns[account, a_second, lane] = taken + count
        return taken // a_second

    def next_turn(self, account: str, a_second: int, lane: Lane = Lane.NORMAL) -> int:
        """The second of the lane's next turn."""
        return self.turns[account, a_second, lane] // a_second


class NothingSuppressed:
    """A suppression list without entries."""

    def entries(self, addresses: Iterable[str], project: str) -> Mapping[str, Entry]:  # noqa: ARG002
        """Nobody's entry."""
        return {}

    def among(self, addresses: Iterable[str], now_ms: int, project: str) -> Mapping[str, Suppression]:  # noqa: ARG002
        """Nobody."""
        return {}


class NothingCollapses:
    """Collapse keys of no email."""

    def create(self, head: Head, now_ms: int) -> Head | None:
        """No simulated email has a collapse key."""
        raise NotImplementedError

    def newest(self, scope: str) -> str | None:  # noqa: ARG002
        """No email has a collapse key."""
        return None
