"""What is simulated: an installation with its settings, its load, and the troubles of its providers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from app.domain.caps import Caps
from app.domain.kinds import Cause, Kind
from app.domain.lane import Lane
from app.domain.outcome import Outcome
from app.settings import Settings
from bench.assumptions import (
    AWS_CALL_MS,
    COLD_START_CPU_MS,
    CPU_MS,
    MB_OF_A_CORE,
    PROVIDER_CALL_MS,
    PROVIDER_REFUSAL_MS,
    ROUND_TRIPS,
)
from infra.stages import ROOT
from workers.sweep import STOP_BEFORE_S

FIRST, SECOND = "first", "second"
DEPLOYED: Final = json.loads((ROOT / "zappa_settings.json").read_text())
SHIPPED: Final = Settings.from_env({})
MEMORY_MB: Final[Mapping[str, int]] = {
    "accept": DEPLOYED["production"]["memory_size"],
    "attempt": DEPLOYED["production_attempts_normal"]["memory_size"],
    "webhook": DEPLOYED["production"]["memory_size"],
    "sweep": DEPLOYED["production_sweep"]["memory_size"],
}
CONCURRENCY: Final[int] = DEPLOYED["production_attempts_normal"]["lambda_concurrency"]
SWEEP_RUNS_FOR_S: Final[float] = DEPLOYED["production_sweep"]["timeout_seconds"] - STOP_BEFORE_S
SIMULATED_A_SECOND: Final = 20.0


class Failure(StrEnum):
    """How a provider fails."""

    REFUSES = "refuses"  # at once, with a 503
    HANGS = "hangs"  # until our time limit: nobody knows whether the email was sent


@dataclass(frozen=True, slots=True)
class Trouble:
    """A provider that fails from `begins_s` until `ends_s` after the start."""

    provider: str
    failure: Failure
    begins_s: float
    ends_s: float


@dataclass(frozen=True)
class Installation:
    """One installation and its load.

    `concurrency` is `lambda_concurrency` of the worker of the lane normal, `sweep_mb` the memory of the sweep, which
    decides how many emails it can publish in a minute. `caps` are those of whole accounts.
    """

    rate_per_s: float
    concurrency: int = CONCURRENCY
    sweep_mb: int = MEMORY_MB["sweep"]
    caps: Mapping[str, Caps] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()
    providers: tuple[str, ...] = (FIRST, SECOND)
    simulated_per_s: float = SIMULATED_A_SECOND

    @property
    def factor(self) -> float:
        """How many emails each simulated one stands for. Workers, caps and the sweep are divided by it, times are not.

        Fewer workers with the same load each wait for each other a little more, so that a run is rather too gloomy.
        """
        return max(1.0, self.rate_per_s / self.simulated_per_s)

    def workers_of(self, lane: Lane) -> int:
        """How many workers of a lane are simulated: those of the other lanes are as many as the settings reserve."""
        reserved = DEPLOYED[f"production_attempts_{lane}"]["lambda_concurrency"]
        return max(1, round((self.concurrency if lane is Lane.NORMAL else reserved) / self.factor))

    def simulated_caps(self) -> dict[str, Caps]:
        """The caps per second of the simulated accounts."""
        return {
            name: Caps(None, max(1, round(cap.per_second / self.factor)))
            for name, cap in self.caps.items()
            if cap.per_second is not None
        }

    def sweep_email_s(self) -> float:
        """How long the sweep works on one simulated email."""
        return self.factor * sweep_email_ms(self.sweep_mb) / 1000

    def call(self, provider: str, at_s: float) -> tuple[Outcome, float]:
        """What a call that begins at `at_s` comes to, and how many seconds it takes."""
        for trouble in self.troubles:
            if trouble.provider == provider and trouble.begins_s <= at_s < trouble.ends_s:
                if trouble.failure is Failure.HANGS:
                    return Outcome(Kind.UNCERTAIN, Cause.OUTAGE, reply="ReadTimeout"), SHIPPED.provider_timeout_s
                return Outcome(Kind.UNAVAILABLE, Cause.OUTAGE, 503, "unavailable"), PROVIDER_REFUSAL_MS / 1000
        return Outcome(Kind.ACCEPTED, status_code=202, message_id="id"), PROVIDER_CALL_MS / 1000


def cores(memory_mb: int) -> float:
    """How much of a core a function of so much memory has. One of Python's processes can use one at most."""
    return min(1.0, memory_mb / MB_OF_A_CORE)


def cpu_s(step: str) -> float:
    """How long the CPU of a step takes in its function."""
    return CPU_MS[step] / 1000 / cores(MEMORY_MB[step])


def own_time_s(step: str) -> float:
    """How long a step takes beside a provider's call: its CPU, and the calls of AWS that it waits for."""
    return cpu_s(step) + ROUND_TRIPS[step] * AWS_CALL_MS / 1000


def attempt_s() -> float:
    """How long a worker is busy with one attempt at a provider that works."""
    return own_time_s("attempt") + PROVIDER_CALL_MS / 1000


def cold_start_s(step: str) -> float:
    """How long a new process takes to start. Lambda gives every function a core until its first event."""
    return COLD_START_CPU_MS[step] / 1000


def sweep_email_ms(memory_mb: int) -> float:
    """How long the sweep works on one due email, in ms. Its calls of AWS run side by side with that."""
    return CPU_MS["sweep"] / cores(memory_mb)


def swept_per_run(memory_mb: int) -> int:
    """How many due emails one run of the sweep can publish. It runs once a minute."""
    return int(SWEEP_RUNS_FOR_S * 1000 / sweep_email_ms(memory_mb))
