"""`python -m app.admin matrix`: the page that is committed, and what it says."""

from pathlib import Path

import pytest

from app.admin import matrix
from app.providers import registry

COMMITTED = Path(__file__).parents[2] / "docs" / "providers" / "matrix.md"


def test_the_committed_page_is_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    matrix.show()
    assert capsys.readouterr().out == COMMITTED.read_text(), "make matrix"


def test_every_row_is_explained_and_has_a_cell_for_every_provider() -> None:
    lines = matrix.page().partition("\n## ")[0].splitlines()
    rows = {line.split("`")[1]: line for line in lines if line.startswith("| `")}
    assert list(rows) == matrix.row_names()
    assert all(matrix.about(name) in row for name, row in rows.items())
    assert all(row.replace("\\|", "").count("|") == len(registry.PROVIDERS) + 3 for row in rows.values())


@pytest.mark.parametrize("name", registry.PROVIDERS)
def test_every_value_has_its_source_and_its_day(name: str) -> None:
    sources = matrix.page().partition("\n## Sources\n")[2]
    section = sources.partition(f"### {registry.declaration(name).title}\n")[2].partition("\n### ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    assert [row[0].strip("`") for row in rows] == matrix.row_names()
    assert all(row[1] and row[2].startswith("20") for row in rows)


def test_a_long_list_is_counted_in_its_cell_and_shown_below() -> None:
    cells, _, below = matrix.page().partition("\n## Long lists\n")
    count = len(registry.limits("ses").blocked_extensions.value)
    assert f" {count}, below " in cells
    assert "`vbs`" not in cells
    assert "`vbs`" in below
