"""A simulated worker: the steps of `app.delivery.attempt`, with the time that each of them takes.

Planning, health, breaker, places and protocol are the product's. What is left out of an attempt here is what depends
on real stores: lost writes, contents, suppressions.
"""

from collections.abc import Callable
from typing import Protocol

import simpy

from app.delivery.capacity import Capacity
from app.delivery.context import ContextReader
from app.delivery.monitor import Monitor
from app.delivery.places import PlaceTaker
from app.delivery.plan import EARLY_MS, Plan
from app.domain.dispatch import Dispatch
from app.domain.due import ready
from app.domain.head import Head
from app.domain.outcome import Outcome
from app.domain.protocol import DeliveryProtocol
from app.domain.route import Routing
from app.wiring.parts import LEASE_MARGIN_S
from bench.assumptions import AWS_CALL_MS, ROUND_TRIPS
from bench.simulation.installation import SHIPPED, Installation, cold_start_s, cpu_s
from bench.simulation.lambda_queue import Message, Steps
from bench.simulation.stores import Heads, Healths, NothingCollapses, NothingSuppressed, Places

CALL_S = AWS_CALL_MS / 1000
LEASE_MS = (SHIPPED.worker_timeout_s + LEASE_MARGIN_S) * 1000
READS = ROUND_TRIPS["attempt"] - 2  # the other two are the claim and the outcome


class World(Protocol):
    """What all workers share."""

    env: simpy.Environment
    installation: Installation
    heads: Heads
    healths: Healths
    places: Places
    protocol: DeliveryProtocol

    def clock(self) -> float:
        """The simulated time in epoch seconds."""

    def publish(self, email_id: str, attempt: int) -> None:
        """Publish a message."""

    def publish_later(self, email_id: str, attempt: int, at_ms: int) -> None:
        """Publish a message so that it comes at `at_ms`."""

    def called(self, head: Head, provider: str, outcome: Outcome) -> None:
        """Note a provider's answer."""

    def made_no_call(self, *, is_old: bool) -> None:
        """Note that a worker was started in vain; `is_old`: by a message that was overtaken."""


class SimulatedWorker:
    """One process of the worker, with its own idea of the providers' health."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._is_new = True
        self._booked_s = 0.0  # how long the next call waits for its second
        clock, installation = world.clock, world.installation
        routing = Routing(installation.providers, caps=installation.simulated_caps())
        self._monitor = Monitor(world.healths, routing.providers, clock, clock, _never)
        places = PlaceTaker(world.places, routing.caps, clock, self._book)
        self._capacity = Capacity(self._monitor, places)
        self._read_context = ContextReader(
            self._monitor, places, routing, NothingSuppressed(), NothingCollapses(), clock
        )

    def handle(self, message: Message) -> Steps:
        """Make the attempt that the message asks for, if the email still expects it."""
        world, env = self._world, self._world.env
        if self._is_new:
            yield env.timeout(cold_start_s("attempt"))
            self._is_new = False
        if message.at_ms > self._now_ms() + EARLY_MS:
            world.publish_later(message.email_id, message.attempt, message.at_ms)
            return
        yield env.timeout(READS * CALL_S)
        head = world.heads.get(message.email_id)
        if head is None or head.next_attempt != message.attempt or head.leased(self._now_ms()):
            world.made_no_call(is_old=True)
            return
        claimed, plan = self._claim(head)
        yield env.timeout(CALL_S + cpu_s("attempt") + self._booked_s)
        if claimed is None:
            return
        yield from self._call(claimed, plan)

    def _claim(self, head: Head) -> tuple[Head | None, Plan]:
        """Settle the email and claim its next call in one write. None: there is no call to make."""
        world = self._world
        plan = Plan(head.next_attempt, self._read_context(head), self._capacity, world.protocol, world.clock)
        self._booked_s = 0.0
        settled, dispatch, now_ms = plan.next_call(head)
        provider = dispatch.provider if dispatch else ""
        for name in [name for name in plan.reservations if name != provider]:
            self._capacity.cancel(plan.reservations.pop(name))
        if dispatch is None:
            if settled != head:
                world.heads.put(settled, now_ms)
            world.made_no_call(is_old=False)
            if plan.turn_ms is not None and plan.turn_ms != head.turn_ms:
                world.publish_later(head.email_id, plan.number, plan.turn_ms)
            return None, plan
        return self._claimed(settled, dispatch, now_ms), plan

    def _claimed(self, settled: Head, dispatch: Dispatch, now_ms: int) -> Head:
        claimed = self._world.protocol.claim(settled, dispatch, now_ms + LEASE_MS, now_ms)
        self._world.heads.put(claimed, now_ms)
        return claimed

    def _call(self, claimed: Head, plan: Plan) -> Steps:
        """Call the provider, write the outcome, publish what is next, and count the call."""
        world, env = self._world, self._world.env
        attempt, began_ms = claimed.attempts[-1], self._now_ms()
        outcome, took_s = world.installation.call(attempt.provider, env.now)
        yield env.timeout(took_s + CALL_S)
        took_ms, now_ms = int(took_s * 1000), self._now_ms()
        known = world.heads.get(claimed.email_id) or claimed
        head = world.protocol.record_outcome(known, attempt.number, outcome, took_ms, now_ms)
        world.called(head, attempt.provider, outcome)
        is_done = world.heads.put(head, now_ms)
        if not is_done and ready(head, now_ms):
            world.publish(head.email_id, head.next_attempt)
        if plan.turn_ms is not None:
            world.publish_later(head.email_id, head.next_attempt, plan.turn_ms)
        represents = round(world.installation.factor)
        self._monitor.record_call(attempt.provider, outcome, represents, began_ms, duration_ms=took_ms)
        self._monitor.flush()

    def _book(self, seconds: float) -> None:
        """A call waits for the second that it has booked. The clock of a simulation goes on only between steps."""
        self._booked_s += seconds

    def _now_ms(self) -> int:
        return int(self._world.clock() * 1000)


def _never(seconds: float) -> None:
    """An operator's pause is waited for; nobody pauses anything here."""
    raise NotImplementedError(f"nothing waits for {seconds} s")


Start = Callable[[World], SimulatedWorker]
