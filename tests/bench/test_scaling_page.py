"""docs/scaling.md says what `make simulate` computes, and its picture shows it."""

import re
from xml.etree import ElementTree

import pytest

from bench import assumptions, costs, needs
from bench.assumptions import UNVERIFIED, VERIFIED, Figure
from bench.simulate import PAGE, PICTURE, filled, paper, row
from bench.simulation.installation import FIRST, Failure, Installation, Trouble
from bench.simulation.picture import BOTTOM, HEIGHT, TOP, draw
from bench.simulation.scenarios import RATES, SCENARIOS
from bench.simulation.world import Run, Sample

SVG = "{http://www.w3.org/2000/svg}"


def test_the_tables_are_those_that_are_computed() -> None:
    page = PAGE.read_text()
    assert filled(page, paper()) == page


def test_a_section_without_a_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 places for nothing"):
        filled(PAGE.read_text(), {"nothing": ""})


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_row_of_the_simulation_is_what_is_simulated() -> None:
    hangs = SCENARIOS[1]  # the shortest; the others follow from the same code
    assert row(hangs.title, RATES[0], hangs.play(RATES[0])) in PAGE.read_text().splitlines()


def test_the_table_of_the_simulation_is_whole() -> None:
    titles = tuple(f"| {scenario.title} |" for scenario in SCENARIOS)
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith(titles)]
    assert len(rows) == len(SCENARIOS) * len(RATES)


def svg(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 because the text is ours


def test_the_picture_has_a_panel_for_each_scenario_and_a_curve_for_each_rate() -> None:
    picture = svg(PICTURE.read_text())
    titles = {text.text for text in picture.iter(f"{SVG}text")}
    assert {scenario.title for scenario in SCENARIOS} <= titles
    assert len(list(picture.iter(f"{SVG}polyline"))) == len(SCENARIOS) * len(RATES)
    assert PICTURE.stat().st_size < 60_000


def test_a_curve_is_the_backlog_in_minutes_of_traffic() -> None:
    # The backlog of ten emails a second grows to ten minutes of traffic, and vanishes.
    backlogs = [0.0] * 60 + [6000.0] * 60 + [0.0] * 60
    samples = [Sample((number + 1) * 10.0, backlog, 0, 0, 0) for number, backlog in enumerate(backlogs)]
    picture = svg(draw({"short & small": {10.0: Run(Installation(10.0), samples)}}))
    (curve,) = picture.iter(f"{SVG}polyline")
    points = [tuple(map(float, point.split(","))) for point in str(curve.get("points")).split()]
    bottom, top = HEIGHT - BOTTOM, TOP
    assert [y for _, y in points] == [bottom] * 10 + [top] * 10 + [bottom] * 10
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert {"short & small", "10"} <= {text.text for text in picture.iter(f"{SVG}text")}


def test_a_run_tells_when_its_backlog_was_gone() -> None:
    calm, high = [2.0] * 30, [50.0] * 30
    troubles = (Trouble(FIRST, Failure.REFUSES, 300.0, 500.0),)

    def drained(backlogs: list[float]) -> float | None:
        samples = [Sample((number + 1) * 10.0, backlog, 0, 0, 0) for number, backlog in enumerate(backlogs)]
        return Run(Installation(10.0, troubles=troubles), samples).drained_after_s(500.0)

    assert drained(calm + high + calm) == 100.0
    assert drained(calm + calm + calm) == 0.0
    assert drained(calm + high) is None


def test_every_figure_has_a_source_with_a_date_or_says_that_it_has_none() -> None:
    for name, figure in vars(assumptions).items():
        if isinstance(figure, Figure):
            assert VERIFIED in figure.source or UNVERIFIED in figure.source, name
    for figure in assumptions.PROVIDER_CALLS_A_SECOND.values():
        assert re.search(r"\b20[12]\d\b", figure.source), figure


def test_the_bill_adds_up() -> None:
    assert costs.per_million() == pytest.approx(sum(item.usd for item in costs.items()))
    writes = next(item for item in costs.items() if item.title == "DynamoDB, writes")
    assert writes.usd == max(item.usd for item in costs.items())
    assert costs.alarm_count() > 20
    assert costs.custom_metrics() > 20


def test_limits_come_in_the_order_in_which_a_growing_rate_meets_them() -> None:
    rates = [limit.rate_per_s for limit in needs.limits()]
    assert rates == sorted(rates)
    assert len(rates) > 10
