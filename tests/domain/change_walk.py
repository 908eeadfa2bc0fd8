"""Random walks through the world of the protocol, with every change that an application is told on the way."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from app.domain.change_types import WORDS, ChangeType, word_of
from app.domain.changes import EmailChange, changes
from app.domain.email import OnUncertain
from app.domain.head import Evidence, Head
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
PROVED_BY = {
    ChangeType.SENT: Evidence.ACCEPTED,
    ChangeType.DELIVERED: Evidence.DELIVERED,
    ChangeType.COMPLAINED: Evidence.DELIVERED,
}


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


def adds_up(walked: Walk) -> None:
    """Assert that what was told of this walk is all that became of each recipient, and that each is told once."""
    assert walked.latest() == {one.address: word_of(one.status) for one in walked.heads[-1].recipients.values()}
    ids = [change.id for change in walked.changes]
    assert len(set(ids)) == len(ids)
    sequences = [change.sequence for change in walked.changes]
    assert sequences == sorted(set(sequences))
    taken: set[str] = set()
    calls: dict[str, str] = {}  # the account of the last call, by recipient
    for old, new, found in walked.pairs:
        assert changes(old, new, new.version) == tuple(replace(one, at_ms=new.version) for one in found)
        assert changes(new, new, 1) == ()
        known = {r.address: word_of(r.status) for r in old.recipients.values()} if old else {}
        begun = new.attempts[-1] if old and new.next_attempt > old.next_attempt else None
        for key, recipient in new.recipients.items():
            own = [one for one in found if one.recipient == recipient.address]
            steps = [one for one in own if one.type in WORDS]
            # The steps lead from the old status to the new one, each from where the one before ended.
            assert [one.was for one in steps] == [known.get(key), *(one.status for one in steps)][: len(steps)]
            assert (steps[-1].status if steps else known.get(key)) == word_of(recipient.status)
            assert all(one.status != one.was for one in steps)
            proofs = {proof for evidence in recipient.evidence.values() for proof in evidence}
            assert {PROVED_BY[one.type] for one in steps if one.type in PROVED_BY} <= proofs
            for one in steps:
                assert one.type is not ChangeType.DELIVERED or key in taken, "delivered, and never sent"
                taken |= {key} if one.type in (ChangeType.SENT, ChangeType.BOUNCED) else set()
            failovers = [(one.previous_provider, one.provider) for one in own if one.type is ChangeType.FAILED_OVER]
            if begun and key in begun.recipients:
                goes_on = calls.get(key, begun.provider) != begun.provider
                assert failovers == ([(calls[key], begun.provider)] if goes_on else [])
                calls[key] = begun.provider
            else:
                assert failovers == []
            assert len(own) == len(steps) + len(failovers)
