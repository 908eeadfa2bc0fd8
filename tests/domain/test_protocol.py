"""The delivery protocol over the real rules: every interleaving of a small world, and long walks in a larger one."""

from random import Random
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import rounds
from app.domain.email import OnUncertain
from app.domain.kinds import EventKind, Kind
from app.domain.protocol import DeliveryProtocol
from app.domain.repeat import SAFETY_MARGIN_MS
from tests.domain.explorer import INVARIANTS, Found, explore
from tests.domain.invariants import final, lies
from tests.domain.world import EVIDENCE_MS, World
from tests.domain.world_state import Setup, State, Step
from tests.support.size import examples

# Traced, they take three times as long; and a busy machine makes the largest spaces take minutes.
pytestmark = [pytest.mark.no_cover, pytest.mark.timeout(600)]

ALL_KINDS: tuple[EventKind, ...] = get_args(EventKind)
LIMIT = 100_000

KEYS_KNOWN = {"a": SAFETY_MARGIN_MS + 45_000}  # the key is forgotten while the email is still being sent
ONE_PROVIDER = DeliveryProtocol(("a",), EVIDENCE_MS)
KEYED = DeliveryProtocol(("a", "b"), EVIDENCE_MS, KEYS_KNOWN)
BOTH = DeliveryProtocol(("a", "b"), EVIDENCE_MS)


class Space(NamedTuple):
    """What is explored, and how many states that is at least: it must not shrink unnoticed."""

    setups: list[Setup]
    states: int
    protocol: DeliveryProtocol = BOTH
    quick: bool = False  # the others are explored in the gate only
    kinds: tuple[EventKind, ...] = (Kind.DELIVERED, Kind.HARD_BOUNCE, Kind.SOFT_BOUNCE)


def every(**fields: Any) -> list[Setup]:
    """That setup under each `on_uncertain`."""
    return [Setup(policy, **fields) for policy in OnUncertain]


HEARD: tuple[EventKind, ...] = (Kind.ACCEPTED, Kind.DELIVERED, Kind.SOFT_BOUNCE)
RESCUED: dict[str, Any] = {"retry_for_ms": 0, "critical": True, "silent": ("a",)}
LIMITED: dict[str, Any] = {"retry_for_ms": 20_000, "limit_ms": 200_000}
SPACES = {
    "one fault, quickly": Space([Setup(OnUncertain.WAIT, retry_for_ms=0)], 5_000, quick=True),
    "one fault": Space(every(retry_for_ms=0), 12_000),
    "one fault, reports of kinds that say nothing": Space(
        every(retry_for_ms=0), 11_000, kinds=(Kind.UNKNOWN, Kind.SOFT_BOUNCE, Kind.DELIVERED)
    ),
    "one further round": Space([Setup(faults=0)], 6_000, quick=True),
    "one further round, every policy": Space(every(faults=0), 25_000),
    "one fault and one further round": Space([Setup(OnUncertain.WAIT), Setup(OnUncertain.FAIL)], 80_000),
    "one fault and one further round, failover, deliveries": Space(
        [Setup(OnUncertain.FAILOVER)], 50_000, kinds=(Kind.DELIVERED,)
    ),
    "one fault and one further round, failover, bounces": Space(
        [Setup(OnUncertain.FAILOVER)], 60_000, kinds=(Kind.SOFT_BOUNCE,)
    ),
    "one provider and several further rounds": Space(every(faults=0, retry_for_ms=400_000), 20_000, ONE_PROVIDER),
    "expiry and a cancel": Space(every(lifetime_ms=35_000, cancel=True), 25_000),
    "a mailbox condition": Space(
        every(retry_for_ms=0), 12_000, kinds=(Kind.DELIVERED, Kind.MAILBOX_CONDITION, Kind.BLOCKED)
    ),
    "a virus": Space(every(retry_for_ms=0), 12_000, kinds=(Kind.DELIVERED, Kind.VIRUS, Kind.BLOCKED)),
    "providers' own lists": Space(every(retry_for_ms=0), 3_000, quick=True, kinds=(Kind.DELIVERED, Kind.SUPPRESSED)),
    "providers' own lists that end nothing": Space(
        every(retry_for_ms=0, passes_lists=True), 3_000, kinds=(Kind.DELIVERED, Kind.SUPPRESSED)
    ),
    "a cancel and what is reported later": Space(
        every(retry_for_ms=0, cancel=True), 8_000, kinds=(Kind.ACCEPTED, Kind.SOFT_BOUNCE)
    ),
    "two recipients": Space(every(people=2, faults=0, retry_for_ms=0), 14_000),
    "no faults, no clock": Space([Setup(people=n, faults=0, prompt=True) for n in (1, 2)], 300, quick=True),
    "a rescue": Space(every(faults=0, **RESCUED), 2_000, quick=True, kinds=HEARD),
    "a rescue, one fault and a cancel": Space(every(cancel=True, **RESCUED), 25_000),
    "a limit of one provider": Space(every(faults=0, limited=("a",), **LIMITED), 10_000),
    "a limit of both providers": Space(every(faults=0, limited=("a", "b"), **LIMITED), 20_000),
    "a limit and one fault": Space(every(limited=("a",), **LIMITED), 8_000, kinds=(Kind.DELIVERED,)),
    "a limit, quickly": Space(
        [Setup(faults=0, limited=("a",), **LIMITED)], 1_000, quick=True, kinds=(Kind.SOFT_BOUNCE,)
    ),
    "a schedule, a move and a cancel": Space(
        every(retry_for_ms=0, send_at_ms=50_000, move_to_ms=90_000, cancel=True), 4_000
    ),
    "a schedule, quickly": Space(
        [Setup(faults=0, retry_for_ms=0, send_at_ms=50_000, move_to_ms=10_000)],
        300,
        quick=True,
        kinds=(Kind.DELIVERED,),
    ),
    "a retry": Space(every(retry_for_ms=0, faults=0, retries=1), 1_000, ONE_PROVIDER, quick=True),
    "a retry and one fault": Space(every(retry_for_ms=0, retries=1), 1_000, ONE_PROVIDER),
    "a retry after a mailbox condition": Space(
        every(retry_for_ms=0, faults=0, retries=1), 1_000, kinds=(Kind.DELIVERED, Kind.MAILBOX_CONDITION)
    ),
    "two retries": Space(every(retry_for_ms=0, faults=0, retries=2), 1_000, ONE_PROVIDER, kinds=(Kind.DELIVERED,)),
    "a key that is forgotten": Space(every(retry_for_ms=0), 40_000, KEYED),
    "a key that is forgotten, quickly": Space(every(retry_for_ms=0, faults=0), 1_000, KEYED, quick=True),
}


def report(found: Found) -> str:
    return "\n".join(f"{name}: {INVARIANTS[name]}\n    " + "\n    ".join(trace) for name, trace in found.traces.items())


@pytest.mark.parametrize(
    "space",
    [pytest.param(space, id=name, marks=[] if space.quick else pytest.mark.full) for name, space in SPACES.items()],
)
def test_in_every_order_of_things_every_invariant_holds(monkeypatch: pytest.MonkeyPatch, space: Space) -> None:
    monkeypatch.setattr(rounds, "WATCHED_FOR_QUARTERS", 2)
    found = explore(World(space.protocol, kinds=space.kinds), space.setups, limit=LIMIT)
    assert not found.traces, report(found)
    assert found.whole
    assert found.states > space.states


@pytest.mark.explore
@pytest.mark.timeout(1200)
def test_with_one_fault_and_one_further_round_every_invariant_holds_too() -> None:
    found = explore(World(), every(), limit=800_000)
    assert not found.traces, report(found)
    assert found.whole
    assert found.states > 180_000


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
    critical=st.booleans(),
    silent=st.sampled_from([(), ("a",), ("a", "b", "c")]),
    prompt=st.just(value=False),
    limited=st.sampled_from([(), ("a",), ("a", "b", "c")]),
    limit_ms=st.sampled_from([0, 90_000, 600_000, 10**9]),
    send_at_ms=st.sampled_from([0, 0, 10_000, 200_000]),
    move_to_ms=st.sampled_from([None, 0, 5_000, 300_000]),
    retries=st.integers(0, 2),
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
