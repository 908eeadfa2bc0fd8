"""Plays an installation: emails arrive by chance, workers send them, the sweep finds what is due."""

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

import simpy

from app.delivery.monitor import Monitor
from app.delivery.sweep import CHUNK
from app.domain.due import ready
from app.domain.email import Mailbox, Role
from app.domain.head import Head, Recipient, Status
from app.domain.health import recover_weight
from app.domain.kinds import Kind
from app.domain.lane import Lane
from app.domain.lifetime import LIFETIME_S
from app.domain.outcome import Outcome
from app.domain.protocol import DeliveryProtocol
from bench.simulation.installation import SHIPPED, SWEEP_RUNS_FOR_S, Installation
from bench.simulation.lambda_queue import LambdaQueue, Steps
from bench.simulation.stores import Heads, Healths, Places
from bench.simulation.worker import SimulatedWorker

START_S = 1_796_000_400.0  # a minute of the Unix epoch begins: the counts are those of minutes
SAMPLE_EVERY_S = 10.0
SWEEP_EVERY_S = 60.0  # the schedule of production_sweep
STARTED_AFTER_S = 120.0  # until then, workers start, and what has come meanwhile is worked off
FORGOTTEN_AFTER_S = 600.0  # a backlog that is gone for so long does not come back
SENDER, RECIPIENT = Mailbox("no-reply@example.com"), Mailbox("somebody@example.net")


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment: the emails that no provider has yet, the age of the oldest of them, and who works on them."""

    at_s: float
    backlog: float
    oldest_s: float
    busy: float
    waiting: float


@dataclass
class Run:
    """What came of a simulation. Numbers are those of real emails: each simulated one counts for `factor`."""

    installation: Installation
    samples: list[Sample] = field(default_factory=list)
    taken_by: Counter[str] = field(default_factory=Counter)  # emails by the provider that accepted them
    calls: float = 0.0
    old_messages: float = 0.0  # workers that were started by a message that was overtaken
    without_call: float = 0.0  # attempts that found no provider to call, and so wrote a wait only
    given_up: float = 0.0
    dead_letters: float = 0.0
    taken_after_s: list[float] = field(default_factory=list)
    first_again_s: float | None = None  # after all trouble had ended, the first provider took an email again

    @property
    def second_share(self) -> float:
        """The share of the emails that another than the first provider took."""
        first = self.installation.providers[0]
        return 1 - self.taken_by[first] / max(1, self.taken_by.total())

    def highest(self) -> Sample:
        """The moment of the highest backlog, once all workers are started."""
        return max((one for one in self.samples if one.at_s > STARTED_AFTER_S), key=lambda sample: sample.backlog)

    def oldest_s(self) -> float:
        """The age of the oldest email at any moment."""
        return max(sample.oldest_s for sample in self.samples if sample.at_s > STARTED_AFTER_S)

    def drained_after_s(self, since_s: float) -> float | None:
        """How long after `since_s` the backlog is what it was before any trouble. None: not within this run."""
        usual = [sample.backlog for sample in self.samples if STARTED_AFTER_S < sample.at_s < self._calm_until_s()]
        enough = 3 * max(1.0, *usual) if usual else self.installation.rate_per_s
        above = [sample.at_s for sample in self.samples if sample.backlog > enough]
        if above and above[-1] == self.samples[-1].at_s:
            return None
        return max(0.0, (above[-1] if above else since_s) - since_s)

    def percentile_s(self, share: float) -> float:
        """Within how many seconds this share of the emails was taken."""
        ordered = sorted(self.taken_after_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def _calm_until_s(self) -> float:
        return min((trouble.begins_s for trouble in self.installation.troubles), default=self.samples[-1].at_s)


class World:
    """One simulated installation. `play` runs it."""

    def __init__(self, installation: Installation, seed: int = 1) -> None:
        self.env = simpy.Environment()
        self.installation = installation
        self.heads, self.healths, self.places = Heads(), Healths(), Places()
        self.protocol = DeliveryProtocol(installation.providers, SHIPPED.uncertain_wait_s * 1000)
        self.run = Run(installation)
        self._chance = random.Random(seed)  # noqa: S311 because nothing here is a secret
        self._queues = {
            lane: LambdaQueue(
                self.env,
                installation.workers_of(lane),
                installation.factor,
                partial(SimulatedWorker, self),
                self._chance,
            )
            for lane in Lane
        }
        self._watch = Monitor(self.healths, installation.providers, self.clock, self.clock)

    def clock(self) -> float:
        """The simulated time in epoch seconds."""
        return START_S + float(self.env.now)

    def publish(self, email_id: str, attempt: int) -> None:
        """Publish a message to the topic."""
        self._queues[self._lane_of(email_id)].publish(email_id, attempt)

    def publish_later(self, email_id: str, attempt: int, at_ms: int) -> None:
        """Put a message on the delay queue."""
        self._queues[self._lane_of(email_id)].publish_later(email_id, attempt, at_ms, self._now_ms())

    def called(self, head: Head, provider: str, outcome: Outcome) -> None:
        """Count a call, and the email as taken if the provider took it."""
        self.run.calls += self.installation.factor
        if outcome.kind is Kind.ACCEPTED:
            self.run.taken_by[provider] += round(self.installation.factor)
            self.run.taken_after_s.append(self.clock() - head.created_at_ms / 1000)
            ends_s = self._trouble_ends_s()
            if self.run.first_again_s is None and provider == self.installation.providers[0] and self.env.now > ends_s:
                self.run.first_again_s = self.env.now - ends_s
        elif all(one.status in (Status.FAILED, Status.EXPIRED) for one in head.recipients.values()):
            self.run.given_up += self.installation.factor

    def made_no_call(self, *, is_old: bool) -> None:
        """Count a worker that was started in vain."""
        if is_old:
            self.run.old_messages += self.installation.factor
        else:
            self.run.without_call += self.installation.factor

    def play(self, minutes: float) -> Run:
        """Play from an empty installation: so many minutes, or until all troubles are over and forgotten."""
        self.env.process(self._arrive())
        self.env.process(self._sweep())
        self.env.process(self._sample())
        for minute in range(1, math.ceil(minutes) + 1):
            self.env.run(until=min(minute, minutes) * 60)
            if self._is_over():
                break
        self.run.dead_letters = sum(one.dead_letters for one in self._queues.values()) * self.installation.factor
        return self.run

    def _is_over(self) -> bool:
        ends_s = self._trouble_ends_s()
        since_s = self.run.drained_after_s(ends_s)
        return since_s is not None and self.env.now > ends_s + since_s + FORGOTTEN_AFTER_S

    def _trouble_ends_s(self) -> float:
        return max((trouble.ends_s for trouble in self.installation.troubles), default=math.inf)

    def accept(self, email_id: str, lane: Lane) -> None:
        """Store an email, and publish it."""
        now_ms = self._now_ms()
        retry_until_ms = now_ms + SHIPPED.retry_for_s * 1000
        expires_at_ms = now_ms + LIFETIME_S * 1000
        recipients = {RECIPIENT.key: Recipient(RECIPIENT.address, Role.TO)}
        head = Head(email_id, "", SENDER, "", recipients, now_ms, expires_at_ms, retry_until_ms, expires_at_ms)
        self.heads.put(replace(head, lane=lane), now_ms)
        self.publish(email_id, 1)

    def _arrive(self) -> Steps:
        """Emails arrive independently of each other. The API stores and publishes each."""
        per_s = self.installation.rate_per_s / self.installation.factor
        for number in count():
            yield self.env.timeout(self._chance.expovariate(per_s))
            self.accept(f"eml_{number:09d}", Lane.NORMAL)

    def _sweep(self) -> Steps:
        """Once a minute, publish what is due, within the time of one run; the next one goes on where it stopped."""
        after = (0, "")
        for number in count(1):
            yield self.env.timeout(number * SWEEP_EVERY_S - self.env.now)
            after = yield from self._sweep_once(after)
            for name in self.installation.providers:
                self._watch.update(name, partial(recover_weight, now_ms=self._now_ms()))

    def _sweep_once(self, after: tuple[int, str]) -> Steps:
        until_s = self.env.now + SWEEP_RUNS_FOR_S
        for position, email_id in self._due(after):
            if self.env.now >= until_s:
                return after
            yield self.env.timeout(self.installation.sweep_email_s())
            after = (position, email_id)
            head = self.heads.get(email_id)
            if head is not None and ready(head, self._now_ms()):
                self.publish(email_id, head.next_attempt)
        return (0, "")

    def _due(self, after: tuple[int, str]) -> Iterator[tuple[int, str]]:
        """The positions that are due, read by the hundred as they are taken."""
        while found := self.heads.due(self._now_ms(), CHUNK, after):
            yield from found
            after = found[-1]
            if len(found) < CHUNK:
                return

    def _sample(self) -> Steps:
        while True:
            yield self.env.timeout(SAMPLE_EVERY_S)
            now_ms, factor = self._now_ms(), self.installation.factor
            oldest_ms = min((head.created_at_ms for head in self.heads.open.values()), default=now_ms)
            self.run.samples.append(
                Sample(
                    float(self.env.now),
                    len(self.heads.open) * factor,
                    (now_ms - oldest_ms) / 1000,
                    sum(one.busy for one in self._queues.values()) * factor,
                    sum(one.waiting for one in self._queues.values()) * factor,
                )
            )

    def _lane_of(self, email_id: str) -> Lane:
        head = self.heads.get(email_id)
        return head.lane if head else Lane.NORMAL

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)
