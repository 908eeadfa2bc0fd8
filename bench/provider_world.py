"""A simulated provider, minute by minute: how many emails it accepts, on how many of them it reports, and when.

The world is seeded and knows nothing of the product. A judge gets its counts, as the product's sweep would read them,
and says whether the provider is silent and what it weighs; an account that weighs less than 50 gets no further emails,
because another one takes its place.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

DAY_MIN = 1440
QUARTER_MIN = 15
RESCUED_FOR_QUARTERS = 8  # how often a critical email is looked at, a quarter of an hour apart
KEEPS_RANK_FROM = 50


@dataclass(slots=True)
class Minute:
    """The counts of one minute, in recipients."""

    accepted: int = 0
    failed: int = 0
    slow: int = 0
    reported: int = 0
    rescued: int = 0


Counts = dict[int, Minute]


class Judge(Protocol):
    """What the product makes of the counts."""

    @property
    def silent(self) -> bool:
        """Whether the product calls the provider silent."""

    @property
    def weight(self) -> int:
        """The provider's weight, 0 to 100."""

    def look(self, now_min: int, newest: Iterator[tuple[int, Minute]]) -> None:
        """Judge at the start of this minute. `newest` are the earlier minutes that have counts, newest first."""

    def added(self, now_min: int, minute: int, counts: Minute, *, errors: bool) -> None:
        """Something was added to the counts of a minute; `errors` says whether errors were among it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """How one provider behaves. Minutes are counted from the start; the trouble lasts from `begins` until `ends`."""

    per_minute: float
    share: float = 0.95
    trouble: str = "none"  # none, silent, slow, bad, greylist, burst
    begins: int = DAY_MIN
    ends: int = DAY_MIN
    minutes: int = 2 * DAY_MIN


@dataclass
class Result:
    """What came of it. Minutes are those after the trouble began, or ended; None: it never happened."""

    noticed_after: int | None = None
    twentieth_after: int | None = None  # when the twentieth email of the trouble was accepted
    forgiven_after: int | None = None  # not silent, and in its usual place
    second_copies: int = 0
    silences: int = 0
    lowest_weight: int = 100
    lowered: int = 0  # steps


@dataclass
class World:
    """Plays one scenario to one judge."""

    scenario: Scenario
    judge: Judge
    seed: int
    counts: Counts = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    result: Result = field(default_factory=Result)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 because nothing here is a secret
        self._accepted_in_trouble = 0
        self._weight = 100
        self._due: dict[int, list[tuple[int, int, bool]]] = defaultdict(list)

    def run(self) -> Result:
        """Play all minutes."""
        for now in range(self.scenario.minutes):
            self._look(now)
            if self.judge.weight >= KEEPS_RANK_FROM:
                self._send(now)
            self._report(now)
            self._rescue(now)
        return self.result

    def _look(self, now: int) -> None:
        was_silent = self.judge.silent
        matured = now - QUARTER_MIN - 1 in self.counts
        if matured or was_silent or self.judge.weight < 100:  # otherwise nothing can have changed
            self.judge.look(now, ((minute, self.counts[minute]) for minute in reversed(self.order)))
        result, scenario = self.result, self.scenario
        result.lowest_weight = min(result.lowest_weight, self.judge.weight)
        result.lowered += self.judge.weight < self._weight
        self._weight = self.judge.weight
        if self.judge.silent and not was_silent:
            result.silences += 1
            if result.noticed_after is None and scenario.begins <= now:
                result.noticed_after = now - scenario.begins
        is_well = not self.judge.silent and self.judge.weight >= KEEPS_RANK_FROM
        if is_well and now >= scenario.ends and result.forgiven_after is None:
            result.forgiven_after = now - scenario.ends

    def _send(self, now: int) -> None:
        scenario = self.scenario
        accepted = self._number(scenario.per_minute)
        in_trouble = scenario.begins <= now < scenario.ends
        if in_trouble and scenario.trouble == "burst":
            accepted += 20
        failed = accepted * 3 // 5 if in_trouble and scenario.trouble == "bad" else 0
        if not accepted:
            return
        self.counts[now] = Minute(accepted - failed, failed)
        self.order.append(now)
        self._accepted_in_trouble += accepted if in_trouble else 0
        if self.result.twentieth_after is None and self._accepted_in_trouble >= 20:
            self.result.twentieth_after = now - scenario.begins
        self.judge.added(now, now, self.counts[now], errors=failed > 0)
        reported = self._binomial(accepted - failed, scenario.share)
        if in_trouble and scenario.trouble in ("silent", "burst"):
            reported -= self._binomial(reported, 1.0) if scenario.trouble == "silent" else min(reported, 20)
        for delay, part in self._delays(reported, in_trouble):
            self._due[now + delay].append((now, part, delay > 5 and not self._is_greylisted(in_trouble)))

    def _is_greylisted(self, in_trouble: bool) -> bool:
        return in_trouble and self.scenario.trouble == "greylist"

    def _delays(self, reported: int, in_trouble: bool) -> Iterator[tuple[int, int]]:
        """The reports by their delays in minutes: most come at once, some later."""
        later = self._binomial(reported, 0.2)
        much_later = self._binomial(later, 0.2)
        extra = 20 if in_trouble and self.scenario.trouble == "slow" else 0
        for delay, part in ((0, reported - later), (1, later - much_later), (4, much_later)):
            if part:
                yield delay + extra, part

    def _report(self, now: int) -> None:
        for minute, part, is_slow in self._due.pop(now, ()):
            counts = self.counts[minute]
            counts.reported += part
            counts.slow += part if is_slow else 0
            self.judge.added(now, minute, counts, errors=is_slow)

    def _rescue(self, now: int) -> None:
        """Every email is critical: those that are not reported on are sent again while the provider is silent."""
        if not self.judge.silent:
            return
        for quarter in range(1, RESCUED_FOR_QUARTERS + 1):
            counts = self.counts.get(now - quarter * QUARTER_MIN)
            if counts is not None:
                copies = max(0, counts.accepted - counts.reported - counts.rescued)
                counts.rescued += copies
                self.result.second_copies += copies

    def _number(self, mean: float) -> int:
        if mean > 50:
            return max(0, round(self._random.gauss(mean, mean**0.5)))
        return int(mean) + (self._random.random() < mean - int(mean))

    def _binomial(self, of: int, chance: float) -> int:
        if chance >= 1 or of == 0:
            return of
        if of > 200:
            return min(of, max(0, round(self._random.gauss(of * chance, (of * chance * (1 - chance)) ** 0.5))))
        return sum(self._random.random() < chance for _ in range(of))


def play(scenario: Scenario, judge: Callable[[], Judge], seed: int = 1) -> Result:
    """Play one scenario to a new judge."""
    return World(scenario, judge(), seed).run()
