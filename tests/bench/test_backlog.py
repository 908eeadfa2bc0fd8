"""5,000 due emails, in the gate only; `make backlog` does the same with 100,000."""

import pytest

from bench import backlog
from tests.support.aws import Aws
from tests.support.size import BACKLOG_EMAILS

WITHIN_S = BACKLOG_EMAILS / 50_000  # shorter than one run over all of them takes


@pytest.mark.full
def test_a_backlog_is_published_whole_in_bounded_runs_and_nobody_starves(store: Aws) -> None:
    ids = backlog.fill(BACKLOG_EMAILS)
    one_by_one = backlog.sweep_all(ids, within_s=WITHIN_S)
    assert one_by_one.runs > 1
    assert (one_by_one.missed, one_by_one.early) == (0, 0)
    two_at_once = backlog.sweep_all(ids, within_s=WITHIN_S, at_once=2)
    assert two_at_once.missed == 0
