"""`python -m app.admin states`: the page that is committed, and what it says."""

from pathlib import Path

import pytest

from app.admin import states
from app.domain.kinds import Kind
from app.domain.states import DESCRIPTIONS, Phase, Transition

COMMITTED = Path(__file__).parents[2] / "docs" / "states.md"


def test_the_committed_page_is_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    states.show()
    assert capsys.readouterr().out == COMMITTED.read_text()


def test_every_phase_has_a_sentence_and_every_transition_a_meaning() -> None:
    assert DESCRIPTIONS.keys() == set(Phase)
    assert all(text.startswith("In this state, ") and text.endswith(".") for text in DESCRIPTIONS.values())
    assert states.MEANINGS.keys() == set(Transition) - {Transition.STAY}


def test_the_table_has_every_kind_and_every_phase() -> None:
    lines = [line for line in states.page().splitlines() if line.startswith("| `")]
    rows = {line.split("`")[1]: line for line in lines if line.count("|") == len(Phase) + 2}
    assert rows.keys() == set(Kind)
    cells = dict(zip(Phase, rows["soft_bounce"].split("|")[2:-1], strict=True))
    assert cells[Phase.SENT].strip() == "retry<br>older: –"
    assert cells[Phase.DELIVERED].strip() == "returned"
    assert cells[Phase.FAILED].strip() == ""
