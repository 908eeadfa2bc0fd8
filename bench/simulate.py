"""`make simulate`: cost and scale on paper, and outages in simulated time. It writes docs/scaling.md and its picture.

    python -m bench.simulate [--write] [--paper]

What is simulated and what is not: `bench.simulation`. Every number that goes in: `bench.assumptions`. With `--paper`,
only what is computed at once; the simulation takes some minutes. The same seed gives the same numbers.
"""

import argparse
import logging
import re
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from bench import costs, needs
from bench.simulation.picture import draw
from bench.simulation.scenarios import ENDS_S, RATES, SCENARIOS, Scenario
from bench.simulation.world import Run
from infra.stages import ROOT

PAGE: Final = ROOT / "docs" / "scaling.md"
PICTURE: Final = ROOT / "docs" / "scaling.svg"
HEAD: Final = (
    "| ten minutes in which | emails a second | highest backlog | oldest email | gone after the end "
    "| 99 % taken within | first provider used again after |"
)

Runs = dict[str, dict[float, Run]]


def main() -> int:
    """Compute, and print; with `--write`, write the page and the picture."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulate")
    parser.add_argument("--write", action="store_true", help="write docs/scaling.md and docs/scaling.svg")
    parser.add_argument("--paper", action="store_true", help="without the simulation")
    options = parser.parse_args()
    sections = paper()
    if not options.paper:
        runs = simulate(SCENARIOS, RATES)
        sections["simulation"] = table(runs)
        if options.write:
            PICTURE.write_text(draw(runs))
    for name, text in sections.items():
        print(f"{name}:\n{text}")
    if options.write:
        PAGE.write_text(filled(PAGE.read_text(), sections))
    return 0


def paper() -> dict[str, str]:
    """The sections of the page that are computed at once, by name."""
    return {
        "needs": needs.needs_table(RATES),
        "limits": needs.limits_table(),
        "providers": needs.providers_table(),
        "costs": costs.table(RATES),
        "sources": needs.sources_table(),
    }


def simulate(scenarios: Iterable[Scenario], rates: Iterable[float]) -> Runs:
    """Play every scenario at every rate, two at a time."""
    pairs = [(scenario, rate) for scenario in scenarios for rate in rates]
    with ProcessPoolExecutor(2) as pool:
        played = list(pool.map(_play, pairs))
    runs: Runs = {}
    for (scenario, rate), run in zip(pairs, played, strict=True):
        runs.setdefault(scenario.title, {})[rate] = run
    return runs


def _play(pair: tuple[Scenario, float]) -> Run:
    logging.disable()  # of each call and each breaker, the product writes a line
    scenario, rate = pair
    return scenario.play(rate)


def table(runs: Mapping[str, Mapping[float, Run]]) -> str:
    """What came of the runs, as Markdown."""
    lines = [HEAD, "|---|---|---|---|---|---|---|"]
    lines += [row(title, rate, run) for title, by_rate in runs.items() for rate, run in by_rate.items()]
    return "\n".join(lines) + "\n"


def row(title: str, rate: float, run: Run) -> str:
    """The row of one run."""
    highest, drained_s = run.highest(), run.drained_after_s(ENDS_S)
    gone = "not in three hours" if drained_s is None else _minutes(drained_s)
    backlog = f"{highest.backlog:,.0f}, after {highest.at_s / 60:.0f} min"
    oldest, taken = _minutes(run.oldest_s()), _minutes(run.percentile_s(0.99))
    again = "–" if run.first_again_s is None else _minutes(run.first_again_s)
    return f"| {title} | {rate:,.0f} | {backlog} | {oldest} | {gone} | {taken} | {again} |"


def _minutes(seconds: float) -> str:
    if seconds == 0:
        return "–"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def filled(page: str, sections: Mapping[str, str]) -> str:
    """The page with these sections in it. Raises ValueError if it has no place for one of them."""
    for name, text in sections.items():
        begin, end = f"<!-- {name}: written by `make simulate` -->\n", "<!-- end -->"
        between = re.compile(f"{re.escape(begin)}.*?{end}", re.DOTALL)
        page, count = between.subn(f"{begin}\n{text}\n{end}".replace("\\", r"\\"), page)
        if count != 1:
            raise ValueError(f"docs/scaling.md has {count} places for {name}")
    return page


if __name__ == "__main__":
    sys.exit(main())
