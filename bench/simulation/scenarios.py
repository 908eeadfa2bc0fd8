"""The scenarios of docs/scaling.md: ten minutes of trouble at each rate, with the settings that fit the rate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from app.domain.caps import Caps
from bench.needs import needs
from bench.simulation.installation import FIRST, SECOND, Failure, Installation, Trouble
from bench.simulation.world import Run, World

RATES: Final = (100.0, 1000.0, 10_000.0)
BEGINS_S, ENDS_S = 300.0, 900.0
LONGEST_MIN: Final = 180.0


def no_caps(rate_per_s: float) -> Mapping[str, Caps]:  # noqa: ARG001 because it has the form of the others
    """No account has a cap."""
    return {}


def second_half(rate_per_s: float) -> Mapping[str, Caps]:
    """The second account may send half of what comes."""
    return {SECOND: Caps(None, int(rate_per_s / 2))}


@dataclass(frozen=True)
class Scenario:
    """What fails, how, and which caps there are at a rate."""

    title: str
    failures: Mapping[str, Failure]
    caps: Callable[[float], Mapping[str, Caps]] = no_caps

    def installation(self, rate_per_s: float) -> Installation:
        """The installation that is simulated."""
        wanted = needs(rate_per_s)
        troubles = tuple(Trouble(name, failure, BEGINS_S, ENDS_S) for name, failure in self.failures.items())
        return Installation(rate_per_s, wanted.lambda_concurrency, wanted.sweep_mb, self.caps(rate_per_s), troubles)

    def play(self, rate_per_s: float) -> Run:
        """Simulate it until the trouble is forgotten, three hours at most."""
        return World(self.installation(rate_per_s)).play(LONGEST_MIN)


SCENARIOS: Final = (
    Scenario("the first provider answers 503", {FIRST: Failure.REFUSES}),
    Scenario("the first provider hangs", {FIRST: Failure.HANGS}),
    Scenario("the first 503, the second capped at half the rate", {FIRST: Failure.REFUSES}, second_half),
    Scenario("both answer 503", {FIRST: Failure.REFUSES, SECOND: Failure.REFUSES}),
)
