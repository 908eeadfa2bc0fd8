"""Draws the backlog of every scenario as an SVG: a panel for each, a curve for each rate."""

from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from bench.simulation.scenarios import BEGINS_S, ENDS_S
from bench.simulation.world import Run

WIDTH, HEIGHT = 420, 230
LEFT, RIGHT, TOP, BOTTOM = 50, 14, 46, 40
COLUMNS: Final = 2
LONGEST_S: Final = 5400.0  # of a curve; what comes later is in the table
EVERY: Final = 6  # of this many samples one is drawn, or the highest of them
STROKES: Final = (
    'stroke="#1b7f5a"',
    'stroke="#1f5fbf" stroke-dasharray="7 3"',
    'stroke="#b3361e" stroke-dasharray="2 3"',
)


def draw(runs: Mapping[str, Mapping[float, Run]]) -> str:
    """The picture of `runs`, by the scenario's title and by the rate."""
    rows = -(-len(runs) // COLUMNS)
    width, height = COLUMNS * WIDTH, rows * HEIGHT + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
        ' font-size="12">',
        "<title>Emails that no provider has yet, in minutes of traffic, before, during and after ten minutes of trouble"
        "</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for number, (title, by_rate) in enumerate(runs.items()):
        row, column = divmod(number, COLUMNS)
        parts.append(f'<g transform="translate({column * WIDTH} {row * HEIGHT})">{_panel(title, by_rate)}</g>')
    parts.append(f'<g transform="translate(0 {rows * HEIGHT})">{_legend(list(next(iter(runs.values()))))}</g>')
    return "\n".join([*parts, "</svg>", ""])


def _panel(title: str, by_rate: Mapping[float, Run]) -> str:
    curves = {rate: _points(run) for rate, run in by_rate.items()}
    most_min = _round_up(max(minutes for curve in curves.values() for _, minutes in curve))
    longest_s = min(LONGEST_S, max(curve[-1][0] for curve in curves.values()))
    step_s = 300.0 if longest_s <= 3600 else 900.0

    def x(at_s: float) -> float:
        return LEFT + at_s / longest_s * (WIDTH - LEFT - RIGHT)

    def y(minutes: float) -> float:
        return HEIGHT - BOTTOM - minutes / most_min * (HEIGHT - TOP - BOTTOM)

    base = HEIGHT - BOTTOM
    parts = [
        f'<text x="{LEFT}" y="20" font-weight="bold">{escape(title)}</text>',
        f'<text x="{LEFT}" y="37" fill="#555555">backlog, minutes of traffic</text>',
        f'<rect x="{x(BEGINS_S):.1f}" y="{TOP}" width="{x(ENDS_S) - x(BEGINS_S):.1f}" height="{base - TOP}" '
        'fill="#f3d9d3"/>',
    ]
    for line in range(5):
        minutes = most_min * line / 4
        parts.append(f'<path d="M{LEFT} {y(minutes):.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(minutes) + 4:.1f}" text-anchor="end">{minutes:.3g}</text>')
    for number in range(int(longest_s // step_s) + 1):
        at_s = number * step_s
        parts.append(f'<text x="{x(at_s):.1f}" y="{base + 16}" text-anchor="middle">{at_s / 60:.0f}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{base + 31}" text-anchor="end" fill="#555555">minutes</text>')
    for stroke, curve in zip(STROKES, curves.values(), strict=False):
        drawn = " ".join(f"{x(at_s):.1f},{y(minutes):.1f}" for at_s, minutes in curve if at_s <= longest_s)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke-width="1.6" {stroke}/>')
    return "".join(parts)


def _points(run: Run) -> list[tuple[float, float]]:
    """The curve: seconds, and the backlog in minutes of traffic."""
    groups = [run.samples[at : at + EVERY] for at in range(0, len(run.samples), EVERY)]
    highest = [max(group, key=lambda sample: sample.backlog) for group in groups]
    return [(one.at_s, one.backlog / run.installation.rate_per_s / 60) for one in highest]


def _round_up(minutes: float) -> float:
    """The next number of minutes that four lines divide well."""
    return next(most for most in (0.1, 0.2, 0.4, 1.0, 2.0, 4.0, 10.0, 20.0, 40.0, 100.0, 200.0) if most >= minutes)


def _legend(rates: Sequence[float]) -> str:
    parts = []
    for number, (rate, stroke) in enumerate(zip(rates, STROKES, strict=False)):
        at = LEFT + number * 190
        parts.append(f'<path d="M{at} 12h34" stroke-width="1.6" {stroke}/>')
        parts.append(f'<text x="{at + 42}" y="16">{rate:,.0f} emails a second</text>')
    return "".join(parts)
