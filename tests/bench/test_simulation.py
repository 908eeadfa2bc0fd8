"""The simulation against what must come out of it by arithmetic, in small runs."""

import random
from collections.abc import Sequence
from functools import partial
from statistics import fmean
from typing import Final

import pytest
import simpy

from app.domain.caps import Caps
from app.domain.health import BREAKER_WAITS_MS, OUTAGES_IN_A_ROW, PROBE_LEASE_MS
from app.domain.lane import Lane
from bench.assumptions import LAMBDA_GROWTH_A_SECOND, RETRY_LONGEST_S, TOPIC_TO_LAMBDA_MS
from bench.needs import needs
from bench.simulation.installation import (
    CONCURRENCY,
    FIRST,
    SECOND,
    SHIPPED,
    Failure,
    Installation,
    Trouble,
    attempt_s,
)
from bench.simulation.lambda_queue import LambdaQueue, Message, Steps
from bench.simulation.world import START_S, Run, Sample, World
from infra.functions import MAX_AGE_S

RATE: Final = 4.0
BEGINS_S: Final = 180.0  # until then, workers start and the backlog is what it usually is


def refuses(provider: str, for_s: float) -> Trouble:
    return Trouble(provider, Failure.REFUSES, BEGINS_S, BEGINS_S + for_s)


def between(run: Run, from_s: float, until_s: float) -> Sequence[Sample]:
    return [sample for sample in run.samples if from_s <= sample.at_s <= until_s]


def slope_per_s(samples: Sequence[Sample]) -> float:
    """How fast the backlog grows from the first to the last of these samples."""
    first, last = samples[0], samples[-1]
    return (last.backlog - first.backlog) / (last.at_s - first.at_s)


def test_without_trouble_the_backlog_is_rate_times_time() -> None:
    run = World(Installation(4 * RATE, 20)).play(6)
    calm = between(run, 120, 360)
    usual_s = TOPIC_TO_LAMBDA_MS / 1000 + attempt_s()
    assert fmean(run.taken_after_s) == pytest.approx(usual_s, rel=0.1)
    # Little's law. The backlog is looked at 25 times, so that chance moves its mean by a tenth.
    assert fmean(sample.backlog for sample in calm) == pytest.approx(4 * RATE * fmean(run.taken_after_s), rel=0.3)
    assert fmean(sample.busy for sample in calm) == pytest.approx(4 * RATE * attempt_s(), rel=0.3)
    assert run.second_share == 0
    assert run.given_up == run.dead_letters == run.without_call == 0


@pytest.mark.full
def test_too_few_workers_leave_what_comes_beyond_their_capacity() -> None:
    run = World(Installation(2 * RATE, 1)).play(6)
    capacity = 1 / attempt_s()
    growth = slope_per_s(between(run, 120, 360))
    # The only worker is also started by old messages of the sweep, and waits for Lambda's retries.
    assert (2 * RATE - capacity) * 0.9 <= growth <= 2 * RATE - capacity / 2


@pytest.mark.full
def test_an_outage_of_everything_leaves_all_that_comes() -> None:
    run = World(Installation(RATE, troubles=(refuses(FIRST, 180), refuses(SECOND, 180)))).play(15)
    ends_s = BEGINS_S + 180
    assert between(run, ends_s, ends_s)[0].backlog == pytest.approx(RATE * 180, rel=0.1)
    assert run.given_up == 0
    # The probes come 30, 60 and 120 s after the breaker has opened, and after the one before: 210 s in all.
    waits_s = sum(BREAKER_WAITS_MS[:3]) / 1000
    assert run.first_again_s is not None
    assert waits_s - 180 <= run.first_again_s <= waits_s - 180 + 60
    drained_s = run.drained_after_s(ends_s)
    assert drained_s is not None  # whoever met the probe waits for its lease, and then for a sweep
    assert run.first_again_s <= drained_s <= run.first_again_s + (PROBE_LEASE_MS + 2 * 60_000) / 1000
    assert len(run.taken_after_s) == pytest.approx(RATE * run.samples[-1].at_s, rel=0.1)


@pytest.mark.full
def test_a_backlog_drains_at_what_is_left_of_the_capacity() -> None:
    cap = round(2 * RATE)
    world = World(
        Installation(RATE, caps={FIRST: Caps(None, cap)}, troubles=(refuses(FIRST, 120),), providers=(FIRST,))
    )
    run = world.play(12)
    assert max(world.places.seconds.values()) == cap
    highest = run.highest()
    falling = [one for one in run.samples if one.at_s > highest.at_s and one.backlog > 0.2 * highest.backlog]
    falling = [one for one in falling if one.backlog < 0.8 * highest.backlog]
    assert len(falling) > 10
    assert slope_per_s(falling) == pytest.approx(RATE - cap, rel=0.15)


def test_a_provider_that_refuses_is_called_a_few_times_only() -> None:
    world = World(Installation(RATE, 10, troubles=(refuses(FIRST, 180),)))
    run = world.play(10)
    failed = run.calls - len(run.taken_after_s)
    # Each worker counts its own run of outages until one of them has told all others; then come three probes.
    assert OUTAGES_IN_A_ROW + 2 <= failed <= OUTAGES_IN_A_ROW * 10 + 3
    assert run.percentile_s(0.99) < 2
    assert world.healths.get(FIRST).breaker_until_ms is None


def test_a_provider_that_hangs_is_waited_for_and_then_passed_over() -> None:
    trouble = Trouble(FIRST, Failure.HANGS, BEGINS_S, BEGINS_S + 180)
    run = World(Installation(RATE, 10, troubles=(trouble,))).play(10)
    hung_s = OUTAGES_IN_A_ROW * SHIPPED.provider_timeout_s
    assert run.highest().backlog == pytest.approx(RATE * hung_s, rel=0.25)
    # Evidence of the last call that hung is waited for, and then a sweep finds its email.
    most_s = hung_s + SHIPPED.provider_timeout_s + SHIPPED.uncertain_wait_s + 2 * 60
    assert SHIPPED.uncertain_wait_s < run.oldest_s() < most_s
    assert run.taken_by[SECOND] > 0


@pytest.mark.full
def test_one_email_may_stand_for_many() -> None:
    troubles = (refuses(FIRST, 120), refuses(SECOND, 120))
    one, many = (
        World(Installation(4 * RATE, troubles=troubles, simulated_per_s=simulated)).play(9)
        for simulated in (4 * RATE, RATE)
    )
    assert (one.installation.factor, many.installation.factor) == (1, 4)
    assert many.installation.workers_of(Lane.NORMAL) == one.installation.workers_of(Lane.NORMAL) / 4 == CONCURRENCY / 4
    assert many.highest().backlog == pytest.approx(one.highest().backlog, rel=0.1)
    ends_s, a_sweep_s = BEGINS_S + 120, 60
    assert many.drained_after_s(ends_s) == pytest.approx(one.drained_after_s(ends_s), abs=a_sweep_s)
    assert many.taken_by.total() == pytest.approx(one.taken_by.total(), rel=0.1)


def test_the_same_seed_gives_the_same_run() -> None:
    one, again, other = (World(Installation(RATE), seed).play(2).samples for seed in (1, 1, 2))
    assert one == again != other


def test_a_run_begins_with_a_minute() -> None:
    assert START_S % 60 == 0


class Stuck:
    """A worker that never comes back."""

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env

    def handle(self, message: Message) -> Steps:  # noqa: ARG002 because the port has it
        yield self._env.event()


def stuck(env: simpy.Environment, workers: int) -> LambdaQueue:
    """A queue whose workers never come back."""
    return LambdaQueue(env, workers, 1.0, partial(Stuck, env), random.Random(1))  # noqa: S311 because it is no secret


def test_an_event_that_finds_no_worker_comes_ever_more_rarely_and_ends_as_a_dead_letter() -> None:
    env = simpy.Environment()
    queue = stuck(env, 1)
    queue.publish("taken", 1)
    queue.publish("waits", 1)
    env.run(until=MAX_AGE_S)
    assert (queue.busy, queue.waiting, queue.dead_letters) == (1, 1, 0)
    assert 15 < queue.throttled < 40  # nine tries in eight minutes, and then one in two to five minutes
    env.run(until=MAX_AGE_S + 2 * RETRY_LONGEST_S)
    assert (queue.busy, queue.waiting, queue.dead_letters) == (1, 0, 1)


def test_lambda_starts_no_more_functions_than_it_says() -> None:
    env = simpy.Environment()
    queue = stuck(env, 10_000)
    for number in range(5000):
        queue.publish(str(number), 1)
    env.run(until=0.5)
    at_once = 10 * LAMBDA_GROWTH_A_SECOND.value
    assert at_once <= queue.busy <= at_once * 1.1
    env.run(until=10)
    assert queue.busy <= 2 * at_once * 1.01


def test_a_rate_for_which_the_settings_are_enough_needs_no_others() -> None:
    small, large = needs(100), needs(10_000)
    assert small == (CONCURRENCY, SHIPPED.shards, 4000, 512)
    assert all(more >= less for less, more in zip(small, large, strict=True))
    assert large.lambda_concurrency >= 10_000 * attempt_s()
