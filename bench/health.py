"""What health concludes of simulated providers: `python -m bench.health` prints the table of docs/health.md."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from app.domain import silence
from app.domain.counts import Sums
from app.domain.health import Health, move_away
from bench.provider_world import DAY_MIN, Judge, Minute, Result, Scenario, play

MINUTE_MS = 60_000
START_MIN = 30_000_000  # some minute of the Unix epoch
RATES = {  # by minute
    "1 in 6 min": 1 / 6,
    "1 in 3 min": 1 / 3,
    "1 in 2 min": 1 / 2,
    "2 a min": 2.0,
    "1 a s": 60.0,
    "1,000 a s": 60_000.0,
}
HOUR = 60
LEAD = 4 * DAY_MIN  # what is usual is learned first


class Product:
    """The product's rules as a judge of the simulated world."""

    def __init__(self) -> None:
        self.health = Health("simulated")
        self._moved: set[int] = set()
        self._read: dict[int, Sums] = {}

    @property
    def silent(self) -> bool:
        """Whether the product calls the provider silent."""
        return self.health.silent

    @property
    def weight(self) -> int:
        """What the provider weighs."""
        return self.health.weight

    def look(self, now_min: int, newest: Iterator[tuple[int, Minute]]) -> None:
        """The sweep's look at the start of a minute."""
        now = START_MIN + now_min
        read = silence.take(((START_MIN + minute, self._counted(minute, counts)) for minute, counts in newest), now)
        seen = silence.observe(self.health, read, now)
        self.health = silence.conclude(self.health, seen, is_ours=False, now_ms=now * MINUTE_MS)

    def added(self, now_min: int, minute: int, counts: Minute, *, errors: bool) -> None:
        """A flush of counts: a minute that is bad lowers the weight once."""
        sums = self._read[minute] = Sums(counts.accepted, counts.failed, counts.slow, 0, counts.reported)
        if errors and sums.is_bad and minute not in self._moved:
            moved = move_away(self.health, sums, {}, (START_MIN + now_min) * MINUTE_MS)
            if moved is not self.health:
                self._moved.add(minute)
            self.health = moved

    def _counted(self, minute: int, counts: Minute) -> Sums:
        return self._read.get(minute) or Sums(counts.accepted)


def scenarios() -> Iterator[tuple[str, str, Scenario]]:
    """Each row of the table: what happens, at which rate, and the scenario."""
    for rate, per_minute in RATES.items():
        long = Scenario(per_minute, begins=LEAD, ends=LEAD + 6 * HOUR, minutes=LEAD + 2 * DAY_MIN)
        yield "silent for 6 h", rate, replace(long, trouble="silent")
        yield "silent for 6 h, usual share 0.6", rate, replace(long, trouble="silent", share=0.6)
    for rate in ("1 in 6 min", "1 a s", "1,000 a s"):
        hour = Scenario(RATES[rate], begins=LEAD, ends=LEAD + HOUR, minutes=LEAD + DAY_MIN)
        yield "reports 20 min late for 1 h", rate, replace(hour, trouble="slow")
        yield "greylisted for 1 h", rate, replace(hour, trouble="greylist")
    for rate in ("1 in 3 min", "2 a min"):
        minute = Scenario(RATES[rate], begins=LEAD, ends=LEAD + 1, minutes=LEAD + DAY_MIN)
        yield "burst of 20 without reports", rate, replace(minute, trouble="burst")
    for rate in ("1 a s", "1,000 a s"):
        minute = Scenario(2 * RATES[rate], begins=LEAD, ends=LEAD + 1, minutes=LEAD + DAY_MIN)
        yield "bad for 1 min", rate, replace(minute, trouble="bad")
    for share in (0.5, 0.75, 1.0):
        for rate in ("1 in 6 min", "2 a min"):
            month = Scenario(RATES[rate], share=share, begins=LEAD, ends=LEAD, minutes=30 * DAY_MIN)
            yield f"30 days in order, share {share}", rate, month


def table(judge: Callable[[], Judge], seeds: int = 3, only: str = "") -> Iterator[str]:
    """The rows of the table, or of what has `only` in its name. Each figure is the worst of so many runs."""
    yield "| what happens | emails | noticed after | forgiven after | second copies | weight, lowest | silences |"
    yield "|---|---|---|---|---|---|---|"
    for what, rate, scenario in scenarios():
        if only not in what:
            continue
        results = [play(scenario, judge, seed) for seed in range(seeds)]
        yield f"| {what} | {rate} | {' | '.join(_cells(results))} |"


def _cells(results: list[Result]) -> Iterator[str]:
    yield _worst([result.noticed_after for result in results if result.silences]) if _any_silent(results) else "–"
    yield _worst([result.forgiven_after for result in results])
    yield f"{max(result.second_copies for result in results):,}"
    yield str(min(result.lowest_weight for result in results))
    yield str(max(result.silences for result in results))


def _any_silent(results: list[Result]) -> bool:
    return any(result.silences for result in results)


def _worst(minutes: list[int | None]) -> str:
    known = [minute for minute in minutes if minute is not None]
    return "never" if len(known) < len(minutes) or not known else f"{max(known):,} min"


def main() -> None:
    """Print the table."""
    for row in table(Product):
        print(row, flush=True)


if __name__ == "__main__":
    main()
