"""Installations whose accounts have a cap per second, and many processes that send through them in simulated time."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from app.domain.caps import Caps
from app.domain.due import due_at_ms
from app.domain.email import Email
from app.domain.lane import Lane
from app.domain.outcome import Outcome
from app.domain.route import Routing
from app.wiring.parts import build
from tests.support.aws import Aws
from tests.support.aws_time import AwsTime
from tests.support.harness import Harness
from tests.support.providers import ScriptedSend
from tests.support.samples import an_email, somebody


def capped(store: Aws, per_second: int, *providers: str, **options: Any) -> Harness:
    """The providers of which the first has a cap per second."""
    routing = Routing(providers or ("ses",), caps={(providers or ("ses",))[0]: Caps(per_second=per_second)})
    return Harness(store, providers=routing.providers, routing=routing, **options)


def chance_of(seed: int) -> Random:
    return Random(seed)  # noqa: S311 because nothing here is a secret


def a_call_to(count: int) -> Email:
    return an_email(*[somebody() for _ in range(count)])


@dataclass
class Installation:
    """Workers on AWS: each message goes to another process of a few, and takes its time to get there."""

    harness: Harness
    chance: Random
    processes: int = 3
    calls: list[tuple[float, int]] = field(default_factory=list)  # when, and to how many
    sweep_s: float = 60
    lanes: set[tuple[str, Lane]] = field(default_factory=set)  # in which each email was published
    called_at_s: dict[str, float] = field(default_factory=dict)  # when the first call of each email began
    lost: float = 0.0  # the share of delayed messages that never come

    def __post_init__(self) -> None:
        harness, self.time = self.harness, AwsTime(self.harness.clock)
        self.workers = [
            build(
                harness.settings,
                self.publish_soon,
                self.send,
                harness.clock,
                stores=harness.stores,
                publish_many=harness.queue.topic.publish_many,
                providers=harness._receivers,
                confirm=lambda _, url: harness.confirmed.append(url),
                monotonic=harness.monotonic,
                publish_later=self.publish_later,
                wait=self.time.wait,
            )
            for _ in range(self.processes)
        ]
        self.scripted = ScriptedSend()

    def send(self, provider: str, message: Any) -> Outcome:
        self.calls.append((self.harness.clock(), len(message.to)))
        self.called_at_s.setdefault(message.email_id, self.harness.clock())
        return self.scripted(provider, message)

    def publish(self, email_id: str, number: int, delay_s: float, at_ms: int = 0, lane: Lane = Lane.NORMAL) -> None:
        worker = self.chance.choice(self.workers)
        self.time.plan(self.harness.clock() + delay_s, lambda: worker.attempt(email_id, number, at_ms, lane))

    def publish_soon(self, email_id: str, attempt: int, lane: Lane) -> None:
        self.lanes.add((email_id, lane))
        self.publish(email_id, attempt, self.chance.uniform(0.02, 0.3), lane=lane)

    def publish_later(self, email_id: str, attempt: int, at_ms: int, lane: Lane) -> None:
        self.lanes.add((email_id, lane))
        if self.chance.random() >= self.lost:  # SQS delays by whole seconds, and Lambda asks it again and again
            whole_s = max(0.0, -(-(at_ms / 1000 - self.harness.clock()) // 1))
            self.publish(email_id, attempt, whole_s + self.chance.uniform(0.02, 0.4), at_ms, lane)

    def take(self, *emails: Email) -> list[str]:
        ids = [self.harness.take(email) for email in emails]
        for email_id, email in zip(ids, emails, strict=True):
            self.publish(email_id, 1, self.chance.uniform(0.02, 0.3), lane=email.lane or Lane.NORMAL)
        self.harness.queue.published()
        return ids

    def run(self, seconds: float) -> None:
        began_s = self.harness.clock()
        for count in range(1, int(seconds / self.sweep_s) + 1):
            self.time.plan(began_s + self.sweep_s * count, self.sweep)
        self.time.run(began_s + seconds)

    def sweep(self) -> None:
        for email_id in self.harness.taken:
            head = self.harness.head(email_id)
            due_ms = due_at_ms(head, self.harness.clock.now_ms)
            if due_ms is not None and due_ms <= self.harness.clock.now_ms:
                self.publish(email_id, head.next_attempt, self.chance.uniform(0.02, 0.3))

    def seconds(self) -> Counter[int]:
        """How many recipients were called for in each second."""
        counts: Counter[int] = Counter()
        for at_s, people in self.calls:
            counts[int(at_s)] += people
        return counts
