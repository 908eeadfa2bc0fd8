"""Random walks through the world of the protocol, with every change that an application is told on the way."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from app.domain.change_types import WORDS
from app.domain.changes import EmailChange, changes
from app.domain.email import OnUncertain
from app.domain.head import Head
from app.domain.kinds import EventKind, Kind
from tests.domain.invariants import identity
from tests.domain.world import World
from tests.domain.world_state import Setup, State

KINDS: tuple[EventKind, ...] = (
    Kind.ACCEPTED, Kind.DELAYED, Kind.DELIVERED, Kind.HARD_BOUNCE, Kind.MAILBOX_CONDITION, Kind.SOFT_BOUNCE,
    Kind.BLOCKED, Kind.DROPPED, Kind.VIRUS, Kind.SUPPRESSED, Kind.COMPLAINED, Kind.UNSUBSCRIBED, Kind.OPENED,
    Kind.CLICKED, Kind.UNKNOWN,
)  # fmt: skip
SETUPS = (
    Setup(people=2, faults=3, cancel=True),
    Setup(people=2, faults=2, policy=OnUncertain.FAILOVER, retry_for_ms=400_000),
    Setup(people=1, faults=4, retry_for_ms=4_000_000),
    Setup(people=1, faults=2, policy=OnUncertain.FAIL, lifetime_ms=60_000),
    Setup(people=2, faults=2, critical=True, silent=("a",)),
    Setup(people=2, faults=2, limited=("a",), limit_ms=90_000, passes_lists=True),
)
WORLD = World(kinds=KINDS)


@dataclass
class Walk:
    """One walk: the successive heads, and what was told of each pair of them."""

    heads: list[Head]
    changes: list[EmailChange] = field(default_factory=list)
    pairs: list[tuple[Head | None, Head, tuple[EmailChange, ...]]] = field(default_factory=list)

    def see(self, old: Head | None, new: Head, at_ms: int) -> None:
        found = changes(old, new, at_ms)
        self.pairs.append((old, new, found))
        self.changes += found

    def latest(self) -> dict[str, str]:
        """The status of each recipient as a client has it who keeps the last one that it was told."""
        known = sorted((one for one in self.changes if one.type in WORDS), key=lambda one: one.sequence)
        return {one.recipient: one.status for one in known}


def walk(setup: Setup, choose: Callable[[int], int], steps: int) -> Walk:
    """A walk of so many steps. `choose` draws one of a number of them."""
    state = WORLD.start(setup)
    walked = Walk([state.head])
    walked.see(None, state.head, 0)
    for _ in range(steps):
        ways = [step.state for step in WORLD.steps(state)]
        if not ways:
            break
        after = ways[choose(len(ways))]
        if after.head is not state.head:
            walked.heads.append(after.head)
            walked.see(state.head, after.head, after.now_ms)
        state = after
    return walked


def every_write(setup: Setup, limit: int) -> list[tuple[Head, Head]]:
    """The head before and after every write that may follow any of the first `limit` states, breadth first."""
    states = [WORLD.start(setup)]
    seen = {identity(states[0], versioned=True)}
    writes: list[tuple[Head, Head]] = []
    for state in islice(iter_growing(states), limit):
        for step in WORLD.steps(state):
            if step.state.head is not state.head:
                writes.append((state.head, step.state.head))
            key = identity(step.state, versioned=True)
            if key not in seen:
                seen.add(key)
                states.append(step.state)
    return writes


def iter_growing(states: list[State]) -> Iterator[State]:
    """The states of a list, also those that are appended meanwhile."""
    at = 0
    while at < len(states):
        yield states[at]
        at += 1
