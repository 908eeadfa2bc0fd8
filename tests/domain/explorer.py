"""Walks every state that a world can reach, breadth first, and names what is broken, each with a shortest trace."""

from collections.abc import Sequence
from typing import NamedTuple

from tests.domain.invariants import final, identity, lies, waits
from tests.domain.world import Setup, State, World

INVARIANTS = {
    "I1": "a final state can always be reached, without faults and without luck with webhooks",
    "I2": "no second copy, unless uncertain and allowed, or reported failed; none once a copy is known",
    "I3": "the status does not lie",
    "I4": "a recipient at fault is never sent to again",
    "I5": "one provider call per attempt number",
    "I6": "an older attempt's event never requeues",
    "I7": "nothing leaves delivered for the queue",
    "P": "without faults nothing has to wait for the sweep",
    "again": "a report that comes again changes nothing",
}


class Found(NamedTuple):
    states: int
    steps: int
    whole: bool  # everything was seen
    traces: dict[str, list[str]]  # broken invariant: a shortest way to it


def explore(world: World, setups: Sequence[Setup], *, limit: int, until: str | None = None) -> Found:
    """Every state reachable from `setups`, up to `limit`; stops as soon as the invariant `until` is broken."""
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
    """The graph as far as it is known."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.states: list[State | None] = []
        self.broken: dict[str, tuple[int, str]] = {}  # in which state, by which step
        self.steps = 0
        self._index: dict[object, int] = {}
        self._came: list[tuple[int, str]] = []
        self._back: list[list[int]] = []  # the steps that need no fault and no webhook, reversed
        self._finals: list[int] = []
        self._prompt: set[int] = set()

    def place(self, state: State, origin: int, label: str) -> int:
        """The number of that state, a new one if nobody has been there."""
        key = identity(state, versioned=self.world.versioned)
        at = self._index.setdefault(key, len(self.states))
        if at == len(self.states):
            self.states.append(state)
            self._came.append((origin, label))
            self._back.append([])
        return at

    def expand(self, at: int) -> None:
        """Take every step from there, and look at what is broken."""
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
        self._look(state, at, moves=moves)
        self.states[at] = None  # its identity is enough from here on

    def _look(self, state: State, at: int, *, moves: bool) -> None:
        if lies(state, at_rest=not moves):
            self.broken.setdefault("I3", (at, ""))
        for told in self.world.repeated(state):
            self.broken.setdefault("again", (at, f"{told.kind} of {told.attempt} once more"))
        if final(state):
            self._finals.append(at)
        elif state.prompt and not moves and not waits(state):
            self.broken.setdefault("P", (at, ""))
        if state.prompt:
            self._prompt.add(at)

    def find_the_stuck(self) -> None:
        """I1: who cannot reach a final state. In the prompt world time stands still, so it is not asked there."""
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
        """How one comes there."""
        trace = [last] if last else []
        while at >= 0:
            at, label = self._came[at]
            trace.append(label)
        return trace[::-1]
