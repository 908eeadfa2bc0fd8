"""`make lanes`: how long an urgent email takes to a provider behind 10,000 bulk ones, alone, and the ratio.

    python -m bench.lanes [--bulk 10000] [--local]

By default in simulated time, with the concurrency that zappa_settings.json reserves for each lane, and with the
product's own rules (`bench.simulation`): without a cap, under a cap per second, and, to compare, with everything in one
lane. With `--local`, an installation on this machine, over loopback: API, worker, emulator and simulator share its
processors there, so that the ratio also says how busy they are. Exits with 1 if a ratio with lanes is above TARGET.
"""

import argparse
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from time import monotonic, sleep
from typing import Any, Final

from app.domain.caps import Caps
from app.domain.head import Head
from app.domain.kinds import Kind
from app.domain.lane import Lane
from app.domain.outcome import Outcome
from bench.assumptions import PROVIDER_CALL_MS
from bench.installations import installation
from bench.local_mode import ACCOUNT, SETTINGS
from bench.simulation.installation import FIRST, Installation
from bench.simulation.lambda_queue import Steps
from bench.simulation.world import World
from tests.support.installation import EMAIL
from tests.support.installation import Installation as Installed

TARGET: Final = 1.5
BULK: Final = 10_000
CAP: Final = 50  # recipients a second
URGENT_EVERY_S: Final = 0.5
BEGINS_S: Final = 120.0  # until then, workers have started
SAMPLES: Final = 40
CLIENTS: Final = 4  # that post bulk emails, with --local
LATENCY_MS: Final = 1000  # of the provider, with --local: slow enough that a backlog stands


@dataclass(frozen=True)
class Measured:
    """The seconds from the acceptance of each urgent email to its first call, alone, and behind the bulk emails."""

    alone_s: list[float]
    behind_s: list[float]

    @property
    def ratio(self) -> float:
        """How many times as long the median email takes."""
        return median(self.behind_s) / median(self.alone_s)

    def __str__(self) -> str:
        medians = f"alone {median(self.alone_s) * 1000:,.0f} ms, behind {median(self.behind_s) * 1000:,.0f} ms"
        slowest = f"{max(self.alone_s) * 1000:,.0f} and {max(self.behind_s) * 1000:,.0f} ms"
        return f"{medians}, ratio {self.ratio:.2f}; the slowest {slowest}"


@dataclass(frozen=True)
class Case:
    """What is simulated: the caps of the first provider, and in which lanes the emails are."""

    title: str
    caps: Caps
    bulk: Lane = Lane.BULK
    urgent: Lane = Lane.URGENT


CASES: Final = (
    Case("lanes", Caps()),
    Case(f"lanes, {CAP} recipients a second", Caps(None, CAP)),
    Case("one lane", Caps(), Lane.NORMAL, Lane.NORMAL),
    Case(f"one lane, {CAP} recipients a second", Caps(None, CAP), Lane.NORMAL, Lane.NORMAL),
)


class Mailing(World):
    """An installation in which bulk emails are accepted all at once, and urgent ones follow."""

    def __init__(self, case: Case, bulk: int, urgent: int) -> None:
        super().__init__(Installation(1.0, caps={FIRST: case.caps}, providers=(FIRST,)))
        self._case, self._bulk, self._urgent = case, bulk, urgent
        self.took_s: dict[str, float] = {}  # from the acceptance to the beginning of the call that a provider took

    def _arrive(self) -> Steps:
        for number in range(self._urgent):  # a worker for each, so that no start is measured
            self.accept(f"warm_{number}", self._case.urgent)
        yield self.env.timeout(BEGINS_S)
        for number in range(self._bulk):
            self.accept(f"bulk_{number}", self._case.bulk)
        for number in range(self._urgent):
            yield self.env.timeout(URGENT_EVERY_S)
            self.accept(f"urgent_{number}", self._case.urgent)

    def called(self, head: Head, provider: str, outcome: Outcome) -> None:
        """Count a call, and note how long it took until that began."""
        super().called(head, provider, outcome)
        if outcome.kind is Kind.ACCEPTED:
            self.took_s[head.email_id] = self.clock() - PROVIDER_CALL_MS / 1000 - head.created_at_ms / 1000

    def urgent_s(self) -> list[float]:
        """How long each urgent email took, in their order; infinite for one that no provider took."""
        return [self.took_s.get(f"urgent_{number}", float("inf")) for number in range(self._urgent)]


def simulated(case: Case, bulk: int, urgent: int = SAMPLES) -> Mailing:
    """Play the case until an hour after the mailing began."""
    world = Mailing(case, bulk, urgent)
    world.play((BEGINS_S + 3600) / 60)
    return world


def compare(case: Case, bulk: int, urgent: int = SAMPLES) -> Measured:
    """How long urgent emails take alone, and behind so many bulk ones."""
    return Measured(simulated(case, 0, urgent).urgent_s(), simulated(case, bulk, urgent).urgent_s())


def local(bulk: int) -> Measured:
    """The same on this machine, over loopback, with a provider that takes LATENCY_MS."""
    with installation(SETTINGS) as installed:
        installed.fault(ACCOUNT, latency_ms=LATENCY_MS)
        _urgent_s(installed, CLIENTS)  # everything is loaded then
        alone_s = _urgent_s(installed, SAMPLES)
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda _: _post(installed, Lane.BULK), range(bulk)))
        behind_s = _urgent_s(installed, SAMPLES)
        waiting = len(installed.api.get("/v1/emails", params={"status": "queued", "limit": 100}).json()["emails"])
        print(f"bulk emails that still waited in the end: {waiting}{' and more' if waiting == 100 else ''}")
    return Measured(alone_s, behind_s)


def _urgent_s(installed: Installed, count: int) -> list[float]:
    """How many seconds each of some urgent emails took from its acceptance to its first call."""
    return [_called_after_s(installed, _post(installed, Lane.URGENT)) for _ in range(count)]


def _post(installed: Installed, lane: Lane) -> str:
    answer = installed.api.post("/v1/emails", json={**EMAIL, "lane": lane}, timeout=60).raise_for_status()
    return str(answer.json()["id"])


def _called_after_s(installed: Installed, email_id: str) -> float:
    """Raises RuntimeError if no call has begun within a minute."""
    deadline_s = monotonic() + 60
    while monotonic() < deadline_s:
        story: dict[str, Any] = installed.api.get(f"/v1/emails/{email_id}", timeout=60).json()
        if story["attempts"]:
            began, accepted = (datetime.fromisoformat(one) for one in (_began(story), story["created_at"]))
            return (began - accepted).total_seconds()
        sleep(0.05)
    raise RuntimeError(f"{email_id}: no call has begun within a minute")


def _began(story: dict[str, Any]) -> str:
    return str(story["attempts"][0]["started_at"])


def main() -> int:
    """Measure, and print. The exit status is 1 if a ratio with lanes is above TARGET."""
    parser = argparse.ArgumentParser(prog="python -m bench.lanes")
    parser.add_argument("--bulk", type=int, default=BULK, help="emails before the urgent ones")
    parser.add_argument("--local", action="store_true", help="on this machine, instead of in simulated time")
    options = parser.parse_args()
    logging.disable()  # of each call, the product writes a line
    measured = {"local mode": local(options.bulk)} if options.local else {}
    if not options.local:
        measured = {case.title: compare(case, options.bulk) for case in CASES}
    is_missed = False
    print(f"An urgent email's time from its acceptance to its first call, behind {options.bulk:,} bulk emails, median:")
    for title, found in measured.items():
        is_missed |= found.ratio > TARGET and not title.startswith("one lane")
        print(f"  {title}: {found}")
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main())
