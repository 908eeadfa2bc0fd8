"""The faults of a chaos run: providers change their behavior every second, and workers are killed."""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from app.local import environment, programs
from app.local.children import Child
from app.local.simulator.faults import Fault, WebhookFault
from tests.support.installation import Installation

# How likely a provider works in a given second. All three fail together about once in ten seconds.
WORKS: Final = {"sendgrid": 0.25, "mailgun": 0.35, "ses": 0.75}
KILL_EVERY_S: Final = (3.0, 7.0)


@dataclass
class Disruption:
    """Disrupts an installation until `stop` is set. `behaviors` and `kills` count what was done."""

    installation: Installation
    random_source: random.Random
    stop: threading.Event = field(default_factory=threading.Event)
    behaviors: Counter[str] = field(default_factory=Counter)
    kills: int = 0

    def fail_providers(self) -> None:
        """Give each provider another behavior every second."""
        while not self.stop.wait(1):
            for provider, works in WORKS.items():
                fault = (
                    Fault.NONE if self.random_source.random() < works else self.random_source.choice(list(Fault)[1:])
                )
                webhooks = [self.random_source.choice(list(WebhookFault))] if self.random_source.random() < 0.3 else []
                self.installation.fault(
                    provider, fault, webhooks=webhooks, latency_ms=self.random_source.choice((0, 0, 50, 300))
                )
                self.behaviors[fault] += 1

    def kill_workers(self, own: "OwnWorker") -> None:
        """Kill both workers every few seconds. Only `own` is started again at once."""
        while not self.stop.wait(self.random_source.uniform(*KILL_EVERY_S)):
            for pid in [*stack_worker(self.installation), own.pid]:
                os.kill(pid, signal.SIGKILL)
                self.kills += 1
            own.renew()


class OwnWorker:
    """A second worker, which belongs to this process and ends with it."""

    def __init__(self, installation: Installation) -> None:
        self._env = environment.deployed(installation.env)
        self._log = installation.log
        self._child = self._start()

    @property
    def pid(self) -> int:
        """The id of the process that runs now."""
        return self._child.pid

    def renew(self) -> None:
        """Start the worker again after it was killed."""
        self.end()
        self._child = self._start()

    def end(self) -> None:
        """Stop the worker, within 10 seconds."""
        self._child.stop(grace_s=10)

    def _start(self) -> Child:
        return Child(replace(programs.worker(self._env), log=self._log), inherit=[])


@contextmanager
def worker(installation: Installation) -> Iterator[OwnWorker]:
    """Start a second worker on `installation`, and stop it when the `with` block ends."""
    own = OwnWorker(installation)
    try:
        yield own
    finally:
        own.end()


def stack_worker(installation: Installation) -> list[int]:
    """The process id of the worker that the installation starts by itself; no id if it does not run at this moment."""
    try:
        return [installation.worker_pid()]
    except AssertionError:
        return []
