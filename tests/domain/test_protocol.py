"""The delivery protocol over the real rules: every interleaving of a small world, and long walks in a larger one."""

from random import Random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.email import OnUncertain
from app.domain.kinds import EventKind
from app.domain.protocol import DeliveryProtocol
from tests.domain.explorer import INVARIANTS, Found, explore
from tests.domain.invariants import final, lies
from tests.domain.world import EVIDENCE_MS, Setup, State, Step, World
from tests.support.size import examples

pytestmark = pytest.mark.no_cover  # traced, it takes three times as long

ALL_KINDS: tuple[EventKind, ...] = get_args(EventKind)
LIMIT = 100_000

# Name, what is explored, and how many states that was: it must not shrink unnoticed.
SPACES: list[tuple[str, list[Setup], int]] = [
    ("one fault", [Setup(policy, retry_for_ms=0) for policy in OnUncertain], 10_000),
    ("one fault and one further round", [Setup(policy) for policy in OnUncertain], 40_000),
    ("expiry and a cancel", [Setup(policy, lifetime_ms=35_000, cancel=True) for policy in OnUncertain], 16_000),
    ("two recipients", [Setup(policy, people=2, faults=0, retry_for_ms=0) for policy in OnUncertain], 14_000),
    ("no faults, no clock", [Setup(people=people, faults=0, prompt=True) for people in (1, 2)], 300),
]
QUICK = ("one fault", "no faults, no clock")  # the others are explored in the gate only


def report(found: Found) -> str:
    return "\n".join(f"{name}: {INVARIANTS[name]}\n    " + "\n    ".join(trace) for name, trace in found.traces.items())


@pytest.mark.parametrize(
    ("setups", "states"),
    [pytest.param(*space[1:], id=space[0], marks=[] if space[0] in QUICK else pytest.mark.full) for space in SPACES],
)
def test_in_every_order_of_things_every_invariant_holds(setups: list[Setup], states: int) -> None:
    found = explore(World(), setups, limit=LIMIT)
    assert not found.traces, report(found)
    assert found.whole
    assert found.states > states


@pytest.mark.parametrize(
    ("setups", "states"),
    [
        ([Setup(policy, retry_for_ms=0) for policy in OnUncertain], 10_000),
        ([Setup(policy, people=2, faults=0, retry_for_ms=0) for policy in OnUncertain], 14_000),
    ],
    ids=["one fault", "two recipients"],
)
@pytest.mark.full
def test_a_provider_that_knows_idempotency_keys_breaks_none(setups: list[Setup], states: int) -> None:
    world = World(DeliveryProtocol(("a", "b"), EVIDENCE_MS, {"a": 86_400_000}))
    found = explore(world, setups, limit=LIMIT)
    assert not found.traces, report(found)
    assert found.whole
    assert found.states > states


@pytest.mark.full
def test_reading_long_before_the_claim_is_no_different_under_a_version() -> None:
    found = explore(World(reads_apart=True), [Setup(retry_for_ms=0)], limit=LIMIT)
    assert not found.traces, report(found)
    assert found.whole
    assert found.states > 8_000


# --- Long walks --------------------------------------------------------------------------------------------------

PROVIDERS = ("a", "b", "c")
WALK = 150
PATIENCE = 400  # steps that the fair schedule may take to the end


def checked(world: World, step: Step) -> None:
    assert not step.broken, step.label
    assert not lies(step.state, at_rest=False), step.label
    assert not [*world.repeated(step.state)], step.label


def unhurried(steps: list[Step]) -> list[Step]:
    """Those in which no time passes, if there are any: an email's time would be over soon."""
    return [step for step in steps if not step.label.startswith("time")] or steps


def finish(world: World, s: State, dice: Random) -> State:
    """Without faults and webhooks: whoever may act acts, and time passes only when nobody may."""
    for _ in range(PATIENCE):
        if final(s) and not s.bag and not s.workers:
            return s
        moves = [step for step in world.steps(s) if step.kind == "step" and step.state != s]
        step = dice.choice(unhurried(moves))
        checked(world, step)
        s = step.state
    return s


setups = st.builds(
    Setup,
    policy=st.sampled_from(OnUncertain),
    people=st.integers(1, 3),
    faults=st.integers(0, 40),
    retry_for_ms=st.sampled_from([0, 40_000, 400_000]),
    lifetime_ms=st.sampled_from([25_000, 120_000, 86_400_000]),
    cancel=st.booleans(),
    prompt=st.just(value=False),
)


@settings(max_examples=examples(1_000), deadline=None)
@given(setup=setups, dice=st.randoms(use_true_random=True))
def test_on_long_walks_too_and_from_wherever_one_stops_the_end_is_reached(setup: Setup, dice: Random) -> None:
    world = World(DeliveryProtocol(PROVIDERS, EVIDENCE_MS), kinds=ALL_KINDS, reads_apart=True)
    s = world.start(setup)
    for _ in range(dice.randrange(WALK)):
        steps = [*world.steps(s)]
        if not steps:
            break
        step = dice.choice(steps if dice.randrange(16) == 0 else unhurried(steps))
        checked(world, step)
        s = step.state
    s = finish(world, s, dice)
    assert final(s), s
    assert not lies(s, at_rest=True), s
