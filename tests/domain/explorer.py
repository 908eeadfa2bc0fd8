"""Explores every state that a world can reach, breadth first, and finds a shortest trace to each broken invariant."""

from collections.abc import Sequence
from typing import NamedTuple

from tests.domain.invariants import final, identity, lies, waits
from tests.domain.world import World
from tests.domain.world_state import Setup, State

INVARIANTS = {
    "I1": "a final state can always be reached without faults and without webhooks",
    "I2": "no second copy, unless uncertain and allowed, or reported failed; none once a copy is known",
    "I3": "no status says what is not so",
    "I4": "a recipient at fault is never sent to again",
    "I5": "one provider call per attempt number",
    "I6": "an older attempt's event never puts a recipient back into the queue",
    "I7": "nothing leaves delivered for the queue",
    "P": "without faults nothing has to wait for the sweep",
    "N": "no call beyond the number of calls of unknown outcome that the email allows",
    "G": "nobody is given up while a later round could call a provider again",
    "C": "no call after a cancellation that was answered with success",
    "K": "no repetition under a key that its provider may have forgotten",
    "L": "no call through a provider that a limit closes, and nobody is given up for a limit",
    "S": "no call before the time for which the email is scheduled",
    "again": "a report that comes again changes nothing",
}


class Found(NamedTuple):
    states: int
    steps: int
    whole: bool  # whether every reachable state was explored
    traces: dict[str, list[str]]  # a shortest trace by broken invariant


def explore(world: World, setups: Sequence[Setup], *, limit: int, until: str | None = None) -> Found:
    """Explore the states reachable from `setups`, `limit` at most. Stops as soon as the invariant `until` is broken."""
    explorer = Explorer(world)
    for setup in setups:
        explorer.place(world.start(setup), -1, repr(setup))
    at = 0
    while at < min(len(explorer.states), limit) and until not in explorer.broken:
        explorer.expand(at)
        at += 1
    whole = at == len(explorer.states)
    if whole:
        explorer.find_the_stuck()
    traces = {name: explorer.trace(*where) for name, where in explorer.broken.items()}
    return Found(len(explorer.states), explorer.steps, whole, traces)


class Explorer:
    """The graph of the states that were reached so far."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.states: list[State | None] = []
        self.broken: dict[str, tuple[int, str]] = {}  # the state in which it broke, and by which step
        self.steps = 0
        self._index: dict[object, int] = {}
        self._came: list[tuple[int, str]] = []
        self._back: list[list[int]] = []  # the steps that need no fault and no webhook, reversed
        self._finals: list[int] = []
        self._prompt: set[int] = set()

    def place(self, state: State, origin: int, label: str) -> int:
        """The number of that state. A state that was not reached before gets a new one."""
        key = identity(state, versioned=self.world.versioned)
        at = self._index.setdefault(key, len(self.states))
        if at == len(self.states):
            self.states.append(state)
            self._came.append((origin, label))
            self._back.append([])
        return at

    def expand(self, at: int) -> None:
        """Take every step from that state, and note which invariants are broken."""
        state = self.states[at]
        assert state is not None
        moves = False
        for step in self.world.steps(state):
            self.steps += 1
            to = self.place(step.state, at, step.label)
            if step.kind == "step":
                moves = moves or to != at
                self._back[to].append(at)
            for name in step.broken:
                self.broken.setdefault(name, (at, step.label))
        self._check(state, at, moves=moves)
        self.states[at] = None  # from here on, only its identity is needed

    def _check(self, state: State, at: int, *, moves: bool) -> None:
        if lies(state, at_rest=not moves):
            self.broken.setdefault("I3", (at, ""))
        for report in self.world.repeated(state):
            self.broken.setdefault("again", (at, f"{report.kind} of {report.attempt} once more"))
        if final(state):
            self._finals.append(at)
        elif state.prompt and not moves and not waits(state):
            self.broken.setdefault("P", (at, ""))
        if state.prompt:
            self._prompt.add(at)

    def find_the_stuck(self) -> None:
        """Check I1: find states that cannot reach a final one. `prompt` states are exempt: no time passes in them."""
        live: set[int] = set()
        goals = list(self._finals)
        while goals:
            at = goals.pop()
            if at not in live:
                live.add(at)
                goals.extend(self._back[at])
        stuck = set(range(len(self.states))) - live - self._prompt
        if stuck:
            self.broken["I1"] = (min(stuck), "")

    def trace(self, at: int, last: str) -> list[str]:
        """The labels of the steps that lead to that state, then `last`."""
        trace = [last] if last else []
        while at >= 0:
            at, label = self._came[at]
            trace.append(label)
        return trace[::-1]
