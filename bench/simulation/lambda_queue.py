"""How messages reach the workers: the topic, Lambda's queue of events behind it, and the delay queue.

Modelled after AWS's documentation ("How Lambda handles errors and retries with asynchronous invocation", read
2026-11-30): an event for which no worker is free returns to the queue and is tried again after a second, and then
after ever longer times up to five minutes; one that is too old goes to the dead-letter queue. Lambda also reads a long
queue more slowly, of which the documentation gives no numbers.
"""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol

import simpy

from bench.assumptions import (
    LAMBDA_GROWTH_A_SECOND,
    RETRY_FIRST_S,
    RETRY_JITTER,
    RETRY_LONGEST_S,
    TOPIC_TO_LAMBDA_MS,
)
from infra.functions import MAX_AGE_S

Steps = Generator[simpy.Event, Any, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """A request for one attempt of one email; `at_ms`: the time that it is for, 0 if that is at once."""

    email_id: str
    attempt: int
    at_ms: int = 0


class Worker(Protocol):
    """A process that makes attempts, one at a time."""

    def handle(self, message: Message) -> Steps:
        """Make the attempt."""


class LambdaQueue:
    """Hands messages to `workers` at most. A worker that is needed for the first time is made by `start`."""

    def __init__(
        self, env: simpy.Environment, workers: int, factor: float, start: Callable[[], Worker], chance: random.Random
    ) -> None:
        self._env, self._start, self._chance = env, start, chance
        self._most, self._growth = workers, LAMBDA_GROWTH_A_SECOND.value / factor
        self._idle: list[Worker] = []
        self._started = 0
        self.busy = 0
        self.waiting = 0
        self.throttled = 0
        self.dead_letters = 0

    def publish(self, email_id: str, attempt: int) -> None:
        """Publish a message to the topic."""
        self._env.process(self._deliver(Message(email_id, attempt), TOPIC_TO_LAMBDA_MS / 1000))

    def publish_later(self, email_id: str, attempt: int, at_ms: int, now_ms: int) -> None:
        """Put a message on the delay queue, which hands it on at `at_ms`."""
        self._env.process(self._deliver(Message(email_id, attempt, at_ms), max(0, at_ms - now_ms) / 1000))

    def _deliver(self, message: Message, after_s: float) -> Steps:
        yield self._env.timeout(after_s)
        came_s, wait_s = self._env.now, RETRY_FIRST_S
        self.waiting += 1
        while (worker := self._free()) is None:
            self.throttled += 1
            if self._env.now - came_s > MAX_AGE_S:
                self.waiting -= 1
                self.dead_letters += 1
                return
            yield self._env.timeout(wait_s * (1 - RETRY_JITTER * self._chance.random()))
            wait_s = min(RETRY_LONGEST_S, wait_s * 2)
        self.waiting -= 1
        self.busy += 1
        yield from worker.handle(message)
        self.busy -= 1
        self._idle.append(worker)

    def _free(self) -> Worker | None:
        """A worker that has nothing to do: the one that has waited longest, or a new one. None: there is none."""
        if self._idle:
            return self._idle.pop(0)
        if self._started >= self._most or self._started > self._most_by_now():
            return None
        self._started += 1
        return self._start()

    def _most_by_now(self) -> float:
        """Lambda adds functions at a steady rate, with those of ten seconds to begin with."""
        return self._growth * (10 + self._env.now)
